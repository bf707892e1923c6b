//! Config keys that hosted kinds share, and tables made of such lists.

use crate::yaml::{Key, Shape};

pub(in crate::provider) const ANY_MAP: Shape = Shape::MapOf(&Shape::Any);
pub(in crate::provider) const FROM_ZERO: Shape = Shape::Num(0.0, f64::INFINITY);

pub(in crate::provider) const API_KEY: Key =
    Key::new("apiKey", Shape::Scalar, "the key itself; better left to the environment");
pub(in crate::provider) const PASSTHROUGH: Key =
    Key::new("passthrough", ANY_MAP, "whatever else the server understands; put over the request last");

/// How a service is reached.
pub(in crate::provider) const REACH: &[Key] = &[
    Key::new("headers", Shape::MapOf(&Shape::Scalar), "further HTTP headers"),
    Key::new("ca_file", Shape::Text, "PEM file of an authority that is trusted besides the system's, here only"),
    Key::new("maxRetries", Shape::Int(0, 100), "how often a request is repeated after a failure that may pass"),
];

const BESIDE: &str = "write it beside the provider's id, not under config";

/// Keys of the provider that are easily put one level too deep.
pub(in crate::provider) const MISPLACED: &[Key] = &[
    Key::unsupported("max_concurrency", BESIDE),
    Key::unsupported("timeout_ms", BESIDE),
    Key::unsupported("connect_timeout_ms", BESIDE),
    Key::unsupported("first_byte_timeout_ms", BESIDE),
    Key::unsupported("idle_timeout_ms", BESIDE),
    Key::unsupported("timeoutMs", "write timeout_ms beside the provider's id"),
    Key::unsupported("price", BESIDE),
    Key::unsupported("delay", BESIDE),
];

/// The keys of several lists (constants) as one.
macro_rules! joined {
    ($($list:path),+ $(,)?) => {
        &$crate::provider::service::flat::<{ 0 $(+ $list.len())+ }>(&[$($list),+])
    };
}
pub(in crate::provider) use joined;

/// All `N` keys of some lists, in order.
pub(in crate::provider) const fn flat<const N: usize>(lists: &[&[Key]]) -> [Key; N] {
    let mut all = [API_KEY; N];
    let (mut list, mut filled) = (0, 0);
    while list < lists.len() {
        let mut at = 0;
        while at < lists[list].len() {
            all[filled] = lists[list][at];
            at += 1;
            filled += 1;
        }
        list += 1;
    }
    all
}
