//! Private authorities: `ca_file` of a provider's config.

use std::fs;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::super::Setup;
use crate::diag::{Folder, Problem, Problems};

/// The certificates in the provider's `ca_file`; none without one. Nothing when it cannot be used.
pub(in crate::provider) fn authorities(
    setup: &Setup<'_>,
    problems: &mut Problems,
) -> Option<Vec<CertificateDer<'static>>> {
    let Some(node) = setup.config.get("ca_file") else { return Some(Vec::new()) };
    let name = node.as_str()?;
    if name.contains("-----BEGIN") {
        let problem = Problem::error("`ca_file` must be the path of a file, found what stands in one").at(&node.span);
        problems.push(problem.hint("write the path alone, without `file://`"));
        return None;
    }
    let path = setup.base.join(name);
    let found = if path.exists() {
        let bytes = fs::read(&path).map_err(|e| format!("it cannot be read: {}", e.kind()));
        bytes.and_then(|bytes| parse(&bytes)).map_err(|why| {
            Problem::error(format!("`{name}` is no certificate file: {why}"))
                .at(&node.span)
                .hint("ca_file takes PEM: blocks between -----BEGIN CERTIFICATE----- and -----END CERTIFICATE-----")
        })
    } else {
        Err(Folder::new(setup.base, "").missing("certificate file", name, &node.span))
    };
    found.map_err(|problem| problems.push(problem)).ok()
}

/// All certificates of a PEM file, each of which must be able to vouch for others.
fn parse(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let all = CertificateDer::pem_slice_iter(bytes).collect::<Result<Vec<_>, _>>();
    let all = all.map_err(|_| "its PEM is damaged")?;
    if all.is_empty() {
        return Err("it holds no certificate".to_owned());
    }
    let mut store = RootCertStore::empty();
    for (n, der) in all.iter().enumerate() {
        store.add(der.clone()).map_err(|_| format!("certificate {} in it cannot be read", n + 1))?;
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_told() {
        let block = |body: &str| format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
        for (text, expected) in [
            (String::new(), "it holds no certificate"),
            ("hello".to_owned(), "it holds no certificate"),
            (block("AAAA").replace("CERTIFICATE", "PRIVATE KEY"), "it holds no certificate"),
            (block("AAAA"), "certificate 1 in it cannot be read"),
            (block("!"), "its PEM is damaged"),
            ("-----BEGIN CERTIFICATE-----\nAAAA".to_owned(), "its PEM is damaged"),
        ] {
            assert_eq!(parse(text.as_bytes()).unwrap_err(), expected, "{text}");
        }
    }
}
