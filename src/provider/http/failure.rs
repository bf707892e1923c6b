//! What can go wrong on the way to an answer, in classes.

use std::error::Error;
use std::io;
use std::time::Duration;

use jiff::Timestamp;
use rustls::CertificateError;

use super::super::Timeouts;
use crate::record::{CallFailure, Reason};

/// Puts what went wrong with a request into words.
#[derive(Clone, Copy)]
pub(super) struct Way<'a> {
    /// The address for people.
    pub shown: &'a str,
    /// The config key that names it.
    pub setting: &'a str,
    /// Its limits.
    pub timeouts: &'a Timeouts,
}

impl Way<'_> {
    /// The class of an error of the client.
    pub(super) fn failure(&self, error: &reqwest::Error) -> CallFailure {
        let (shown, setting, why) = (self.shown, self.setting, innermost(error));
        if let Some(tls) = tls_error(error) {
            return self.untrusted(tls);
        }
        match (error.is_connect(), error.is_timeout()) {
            (true, true) => CallFailure::new(
                Reason::Unreachable,
                format!("no connection to {shown} within {:?}", self.timeouts.connect),
            )
            .hint(format!("is the server running? check {setting}, or raise the provider's `connect_timeout_ms`")),
            (true, false) => CallFailure::new(Reason::Unreachable, format!("no connection to {shown}: {why}"))
                .hint(format!("is the server running? check {setting}")),
            (false, true) => late(
                format!("no complete answer from {shown} within {:?}", self.timeouts.total),
                "give the provider a longer `timeout_ms` (beside its `id`), or ask for fewer tokens",
            ),
            _ if error.is_builder() => {
                CallFailure::new(Reason::BadRequest, format!("the request to {shown} cannot be made: {why}"))
            }
            _ => CallFailure::new(
                Reason::Broken,
                format!("the connection to {shown} broke before the answer was whole: {why}"),
            ),
        }
    }

    /// The head of the answer did not come in time.
    pub(super) fn not_begun(&self, limit: Duration) -> CallFailure {
        late(
            format!("no answer from {} began within {limit:?}", self.shown),
            "give the provider a longer `first_byte_timeout_ms` (beside its `id`)",
        )
    }

    fn untrusted(&self, error: &rustls::Error) -> CallFailure {
        let (shown, setting) = (self.shown, self.setting);
        if let rustls::Error::InvalidCertificate(why) = error {
            let (why, hint) = flaw(why, setting);
            let message = format!("the certificate of {shown} is not trusted: {why}");
            return CallFailure::new(Reason::Untrusted, message).hint(hint);
        }
        let message = format!("no TLS connection to {shown}, so its certificate could not be checked: {error}");
        CallFailure::new(Reason::Unreachable, message).hint(format!("does this server speak https? check {setting}"))
    }

    /// The body of the answer stopped coming.
    pub(super) fn stood_still(&self) -> CallFailure {
        late(
            format!("the answer of {} stood still for {:?}", self.shown, self.timeouts.idle),
            "give the provider a longer `idle_timeout_ms` (beside its `id`), if its server really pauses",
        )
    }
}

fn late(message: String, hint: &str) -> CallFailure {
    CallFailure::new(Reason::Timeout, message).hint(hint)
}

/// What is wrong with a certificate, and what to do about it.
fn flaw(error: &CertificateError, setting: &str) -> (String, String) {
    const AUTHORITY: &str = "for a private authority, name its PEM file as `ca_file` in the provider's config";
    const TIME: &str = "have the server's certificate renewed; is this machine's clock right?";
    let day = |seconds: u64| {
        let at = i64::try_from(seconds).ok().and_then(|s| Timestamp::from_second(s).ok());
        at.map_or_else(|| seconds.to_string(), |at| at.to_string())
    };
    let (why, hint) = match error {
        CertificateError::UnknownIssuer => ("no authority that is trusted here has signed it".to_owned(), AUTHORITY),
        CertificateError::ExpiredContext { not_after, .. } => {
            (format!("it expired at {}", day(not_after.as_secs())), TIME)
        }
        CertificateError::NotValidYetContext { not_before, .. } => {
            (format!("it is not valid before {}", day(not_before.as_secs())), TIME)
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            // They come in the form `DnsName("host")`.
            let names: Vec<&str> = presented.iter().map(|n| n.split('"').nth(1).unwrap_or(n)).collect();
            let hint = format!("check the host in {setting}, or have a certificate made for it");
            return (format!("it is for another host: {}", names.join(", ")), hint);
        }
        other => (other.to_string(), AUTHORITY),
    };
    (why, hint.to_owned())
}

fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    chain(error).find_map(|e| e.downcast_ref())
}

/// The first cause, in its own words.
pub(super) fn innermost(error: &(dyn Error + 'static)) -> String {
    chain(error).last().map_or_else(String::new, ToString::to_string)
}

/// An error and its causes. `io::Error` hides the error that it wraps from `source`.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |e| {
        let e: &'a (dyn Error + 'static) = *e;
        let wrapped = e.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        wrapped.map(|inner| inner as &(dyn Error + 'static)).or_else(|| e.source())
    })
}
