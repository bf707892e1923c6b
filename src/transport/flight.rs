//! Single flight: a question that is being asked is not asked twice.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use crate::record::Response;

type Landing = Option<Arc<Response>>;

/// The questions under way, by content id.
#[derive(Debug, Default)]
pub(super) struct Flights {
    open: Mutex<HashMap<Arc<str>, watch::Receiver<Landing>>>,
}

/// Who asks, and who waits for the answer of the one who asks.
pub(super) enum Seat<'a> {
    Pilot(Pilot<'a>),
    Passenger(Passenger),
}

/// The one who asks. When it is dropped without an answer, the passengers try again themselves.
pub(super) struct Pilot<'a> {
    flights: &'a Flights,
    id: Arc<str>,
    landing: watch::Sender<Landing>,
}

/// One who waits.
pub(super) struct Passenger(watch::Receiver<Landing>);

impl Flights {
    pub(super) fn board(&self, id: &Arc<str>) -> Seat<'_> {
        let Ok(mut open) = self.open.lock() else { return Seat::Pilot(self.pilot(id, watch::channel(None).0)) };
        if let Some(flight) = open.get(id) {
            return Seat::Passenger(Passenger(flight.clone()));
        }
        let (landing, waiting) = watch::channel(None);
        open.insert(Arc::clone(id), waiting);
        Seat::Pilot(self.pilot(id, landing))
    }

    fn pilot(&self, id: &Arc<str>, landing: watch::Sender<Landing>) -> Pilot<'_> {
        Pilot { flights: self, id: Arc::clone(id), landing }
    }
}

impl Pilot<'_> {
    /// Gives the answer to all who wait.
    pub(super) fn land(self, response: &Response) {
        if self.landing.receiver_count() > 1 {
            self.landing.send_replace(Some(Arc::new(response.clone())));
        }
    }
}

impl Drop for Pilot<'_> {
    fn drop(&mut self) {
        if let Ok(mut open) = self.flights.open.lock() {
            open.remove(&self.id);
        }
    }
}

impl Passenger {
    /// The answer, or nothing when the flight was lost.
    pub(super) async fn arrive(mut self) -> Option<Arc<Response>> {
        self.0.wait_for(Option::is_some).await.ok()?.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pilot<'a>(flights: &'a Flights, id: &Arc<str>) -> Pilot<'a> {
        match flights.board(id) {
            Seat::Pilot(pilot) => pilot,
            Seat::Passenger(_) => panic!("somebody flies already"),
        }
    }

    fn passenger(flights: &Flights, id: &Arc<str>) -> Passenger {
        match flights.board(id) {
            Seat::Passenger(passenger) => passenger,
            Seat::Pilot(_) => panic!("nobody flies"),
        }
    }

    #[tokio::test]
    async fn passengers_get_the_pilots_answer() {
        let (flights, id) = (Flights::default(), Arc::from("a"));
        let first = pilot(&flights, &id);
        let (one, two) = (passenger(&flights, &id), passenger(&flights, &id));
        drop(pilot(&flights, &Arc::from("b")));
        first.land(&Response { latency_ms: Some(7), ..Response::default() });
        assert_eq!(one.arrive().await.unwrap().latency_ms, Some(7));
        assert_eq!(two.arrive().await.unwrap().latency_ms, Some(7));
        drop(pilot(&flights, &id));
    }

    #[tokio::test]
    async fn a_lost_flight_leaves_the_passengers_to_themselves() {
        let (flights, id) = (Flights::default(), Arc::from("a"));
        let first = pilot(&flights, &id);
        let waiting = passenger(&flights, &id);
        drop(first);
        assert!(waiting.arrive().await.is_none());
        drop(pilot(&flights, &id));
    }
}
