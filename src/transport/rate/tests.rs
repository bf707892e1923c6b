//! The limiter against simulated providers, on a clock that is only counted.

use std::collections::BinaryHeap;

use super::*;
use crate::provider::Window;

const LATENCY: Duration = Duration::from_millis(20);

/// A provider with a token bucket.
struct Server {
    per_second: f64,
    burst: f64,
    level: f64,
    at: Instant,
    headers: bool,
}

impl Server {
    fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let passed = now.duration_since(self.at).as_secs_f64();
        self.at = now;
        self.level = (self.level + passed * self.per_second).min(self.burst);
        if self.level < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - self.level) / self.per_second));
        }
        self.level -= 1.0;
        Ok(())
    }

    fn limits(&self) -> Limits {
        let reset = ((self.burst - self.level) / self.per_second * 1000.0).ceil() / 1000.0;
        let reset = Some(Duration::from_secs_f64(reset));
        let window = Window { limit: Some(self.burst), remaining: self.level.floor(), reset };
        Limits { requests: self.headers.then_some(window), tokens: None }
    }
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Happening {
    Reply(bool),
    Retry,
}

/// Sends `cells` requests, at most `width` at once; gives the seconds it took and the refusals.
fn simulate(mut server: Server, cells: u32, width: u32, start: Instant) -> (f64, u32) {
    let mut limiter = Limiter::new(None, None, start);
    let mut events: BinaryHeap<(std::cmp::Reverse<Instant>, Happening)> = BinaryHeap::new();
    let (mut now, mut waiting, mut flying, mut done, mut refused) = (start, cells, 0, 0, 0);
    while done < cells {
        let places = if done + refused == 0 { 8 } else { width };
        let mut wait = limiter.wait(now, 1.0);
        while waiting > 0 && flying < places && wait.is_zero() {
            limiter.sent(now, 1.0);
            (waiting, flying) = (waiting - 1, flying + 1);
            // A refusal comes at once, an answer after its latency.
            let good = server.take(now).is_ok();
            let at = if good { now + LATENCY } else { now + Duration::from_micros(300) };
            events.push((std::cmp::Reverse(at), Happening::Reply(good)));
            wait = limiter.wait(now, 1.0);
        }
        let next = events.peek().map(|(at, _)| at.0);
        let ready = (waiting > 0 && flying < places).then(|| now + wait.min(LOOK_AGAIN));
        now = next.into_iter().chain(ready).min().unwrap();
        while events.peek().is_some_and(|(at, _)| at.0 <= now) {
            match events.pop().unwrap().1 {
                Happening::Reply(good) => {
                    limiter.heard(now, &server.limits());
                    flying -= 1;
                    if good {
                        limiter.answered(now, 0.0, None);
                        done += 1;
                    } else {
                        refused += 1;
                        limiter.refused(now, Some(Duration::from_millis(20)));
                        events.push((std::cmp::Reverse(now + Duration::from_millis(80)), Happening::Retry));
                    }
                }
                Happening::Retry => waiting += 1,
            }
        }
    }
    (now.duration_since(start).as_secs_f64(), refused)
}

#[tokio::test]
async fn stays_near_a_limit_that_headers_name() {
    for (per_second, burst, cells) in [(50.0, 10.0, 1000), (5.0, 5.0, 100), (500.0, 50.0, 5000), (20.0, 200.0, 600)] {
        let start = Instant::now();
        let server = Server { per_second, burst, level: burst, at: start, headers: true };
        let (seconds, refused) = simulate(server, cells, 64, start);
        let ideal = (f64::from(cells) - burst) / per_second;
        assert!(seconds < ideal * 1.08 + 0.2, "{per_second}/s: {seconds} s instead of {ideal}");
        assert!(refused <= cells / 50 + 3, "{per_second}/s: {refused} refused");
    }
}

#[tokio::test]
async fn learns_a_limit_that_nobody_names() {
    for (per_second, burst, cells) in [(50.0, 10.0, 1000), (20.0, 20.0, 600), (200.0, 50.0, 4000)] {
        let start = Instant::now();
        let server = Server { per_second, burst, level: burst, at: start, headers: false };
        let (seconds, refused) = simulate(server, cells, 64, start);
        let ideal = (f64::from(cells) - burst) / per_second;
        assert!(seconds < ideal * 1.1 + 1.0, "{per_second}/s: {seconds} s instead of {ideal}");
        assert!(refused <= cells / 8 + 60, "{per_second}/s: {refused} refused");
    }
}

#[tokio::test]
async fn single_refusals_set_no_pace() {
    let mut now = Instant::now();
    let mut limiter = Limiter::new(None, None, now);
    for n in 0..10_000 {
        now += Duration::from_millis(1);
        assert_eq!(limiter.wait(now, 1.0), Duration::ZERO);
        limiter.sent(now, 1.0);
        if n % 20 == 7 { limiter.refused(now, Some(Duration::from_secs(1))) } else { limiter.answered(now, 0.0, None) }
    }
}

#[tokio::test]
async fn a_wall_stops_the_line_as_long_as_it_asks() {
    let now = Instant::now();
    let mut limiter = Limiter::new(None, None, now);
    for _ in 0..3 {
        limiter.sent(now, 1.0);
    }
    (0..3).for_each(|_| limiter.refused(now, Some(Duration::from_secs(30))));
    assert_eq!(limiter.wait(now + Duration::from_secs(10), 1.0), Duration::from_secs(20));
    assert_eq!(limiter.wait(now + Duration::from_secs(30), 1.0), Duration::ZERO);
}

#[tokio::test]
async fn no_minute_sees_more_than_its_limit() {
    for rpm in [1, 7, 60, 600, 6_000] {
        let start = Instant::now();
        let mut limiter = Limiter::new(Some(rpm), None, start);
        let mut sent: Vec<Duration> = Vec::new();
        let mut now = start;
        while now.duration_since(start) < Duration::from_secs(150) {
            let wait = limiter.wait(now, 1.0);
            if wait.is_zero() {
                limiter.sent(now, 1.0);
                sent.push(now.duration_since(start));
            }
            now += wait;
        }
        let minute =
            |from: &Duration| sent.iter().filter(|at| *at >= from && **at < *from + Duration::from_secs(60)).count();
        let most = sent.iter().map(minute).max().unwrap();
        assert!(most as u64 <= rpm.max(1) + u64::from(rpm < 2), "{most} within a minute of {rpm}");
        assert!(sent.len() as u64 * 10 >= rpm * 2 * 9, "only {} in 150 s of {rpm} a minute", sent.len());
    }
}

#[tokio::test]
async fn tokens_that_were_not_used_come_back() {
    let now = Instant::now();
    let mut limiter = Limiter::new(None, Some(6_000), now);
    limiter.sent(now, 100.0);
    assert!(limiter.wait(now, 50.0) > Duration::ZERO);
    limiter.answered(now, 100.0, Some(20.0));
    assert_eq!(limiter.wait(now, 50.0), Duration::ZERO);
}
