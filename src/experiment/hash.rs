//! Where a user stands in an experiment: GrowthBook's hashes.
//!
//! Source: the SDK of GrowthBook (`util.ts`, hash versions 1 and 2). Both are FNV-1a with 32 bits over the
//! UTF-16 code units of a text, so that an application in any language that follows the SDK puts every user
//! into the same place, accents and emoji included.

/// A place in `0..10000`; a ten-thousandth of the users stands at each.
pub const PLACES: u32 = 10_000;

/// FNV-1a, 32 bits, each code unit xored as a whole.
fn fnv1a(units: impl Iterator<Item = u16>) -> u32 {
    units.fold(0x811c_9dc5_u32, |hash, unit| (hash ^ u32::from(unit)).wrapping_mul(0x0100_0193))
}

/// Version 2: hashed twice, so that two experiments have nothing in common. The place is from 0 to 9999.
pub fn place(seed: &str, user: &str) -> u32 {
    let first = fnv1a(seed.encode_utf16().chain(user.encode_utf16()));
    fnv1a(first.to_string().encode_utf16()) % PLACES
}

/// Version 1: hashed once, with three digits. Namespaces are laid out by it.
pub fn thousandth(seed: &str, user: &str) -> u32 {
    fnv1a(user.encode_utf16().chain(seed.encode_utf16())) % 1000
}

/// A place as the share of users before it, from 0 up to 1.
pub fn share(place: u32) -> f64 {
    f64::from(place) / f64::from(PLACES)
}
