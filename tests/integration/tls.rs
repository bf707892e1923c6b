//! Certificates: who is believed, and what is said of the others.

use std::net::TcpListener;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::project::{Project, Ran};
use crate::server::{Server, answer};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn params(host: &str, until: i32) -> CertificateParams {
    let mut params = CertificateParams::new([host.to_owned()]).unwrap();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(until, 1, 2);
    params
}

fn serve(certificate: &CertificateDer<'static>, key: &KeyPair) -> Server {
    let config = ServerConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap();
    Server::secure(config, |_, _| answer("ok"))
}

/// A server whose certificate an authority has signed.
fn signed(by: &Authority, host: &str, until: i32) -> Server {
    let key = KeyPair::generate().unwrap();
    serve(params(host, until).signed_by(&key, by).unwrap().der(), &key)
}

/// A project that asks these servers, the second of each pair being more keys of its config. What the
/// system trusts is one authority that has signed nothing, so that every machine is alike.
fn project(servers: &[(&Server, &str)], authority: &Authority) -> Project {
    let provider = |(n, (server, more)): (usize, &(&Server, &str))| {
        format!("  - {{id: 'openai:m', label: p{n}, config: {{apiBaseUrl: '{}'{more}}}}}\n", server.url())
    };
    let providers: String = servers.iter().enumerate().map(provider).collect();
    let project = Project::with(&format!(
        "prompts: [hi]\nproviders:\n{providers}tests:\n  - assert: [{{type: equals, value: ok}}]\n"
    ));
    let system = project.path().join("system.pem").to_string_lossy().into_owned();
    project
        .file("pki/ca.pem", &authority.pem())
        .file("system.pem", &self::authority("nobody's").pem())
        .env("SSL_CERT_FILE", &system)
}

fn run(server: &Server, more: &str, authority: &Authority) -> Ran {
    project(&[(server, more)], authority).run(&["run"])
}

const WITH: &str = ", ca_file: pki/ca.pem";

#[test]
fn a_certificate_that_cannot_be_trusted_is_refused_with_the_reason() {
    let ours = authority("ours");
    let key = KeyPair::generate().unwrap();
    let own = params("127.0.0.1", 2100).self_signed(&key).unwrap();
    let nobody = "no authority that is trusted here has signed it";
    let rows = [
        ("self-signed", serve(own.der(), &key), "", nobody, "name its PEM file as `ca_file`"),
        ("self-signed, another file", serve(own.der(), &key), WITH, nobody, "ca_file"),
        ("private authority", signed(&ours, "127.0.0.1", 2100), "", nobody, "ca_file"),
        ("expired", signed(&ours, "127.0.0.1", 2021), WITH, "it expired at 2021-01-02", "renewed"),
        ("another host", signed(&ours, "a.test", 2100), WITH, "it is for another host: a.test", "check the host"),
        ("expired, unknown", signed(&ours, "127.0.0.1", 2021), "", "is not trusted", "hint:"),
        ("another host, unknown", signed(&ours, "a.test", 2100), "", "is not trusted", "hint:"),
    ];
    for (name, server, more, said, hint) in rows {
        let ran = run(&server, more, &ours);
        assert_eq!(ran.code, 101, "{name}: {}{}", ran.out, ran.err);
        ran.says("the certificate of https://127.0.0.1:").says(said).says(hint);
        assert_eq!((server.connections(), server.requests()), (1, 0), "{name}");
    }
}

#[test]
fn a_private_authority_is_trusted_by_the_provider_that_names_it_only() {
    let ours = authority("ours");
    let server = signed(&ours, "127.0.0.1", 2100);
    let project = project(&[(&server, WITH), (&server, "")], &ours);
    // Else the second would be given the answer of the first: the question is the same.
    let (ran, results) = project.results(&["--no-cache"]);
    ran.code(101);
    assert_eq!(results[0]["success"], true, "{}", results[0]);
    assert!(results[1]["error"].as_str().unwrap().contains("is not trusted"), "{}", results[1]);
    assert_eq!(server.requests(), 1);
}

#[test]
fn a_self_signed_certificate_can_vouch_for_itself() {
    let key = KeyPair::generate().unwrap();
    let own = params("127.0.0.1", 2100).self_signed(&key).unwrap();
    let server = serve(own.der(), &key);
    let more = ", ca_file: own.pem";
    project(&[(&server, more)], &authority("ours")).file("own.pem", &own.pem()).run(&["run"]).code(0);
    assert_eq!(server.requests(), 1);
}

#[test]
fn a_ca_file_that_cannot_be_used_is_a_config_error_with_its_place() {
    let ours = authority("ours");
    let server = signed(&ours, "127.0.0.1", 2100);
    for (path, said, hint) in [
        ("pki/cb.pem", "no certificate file `pki/cb.pem`", "did you mean `ca.pem`?"),
        ("pki", "`pki` is no certificate file: it cannot be read: is a directory", "BEGIN CERTIFICATE"),
        ("nowhere/ca.pem", "no certificate file `nowhere/ca.pem`", "relative to the folder of the config"),
        ("evalconfig.yaml", "it holds no certificate", "-----BEGIN CERTIFICATE-----"),
        ("bad.pem", "certificate 2 in it cannot be read", "-----BEGIN CERTIFICATE-----"),
        ("file://pki/ca.pem", "must be the path of a file", "without `file://`"),
    ] {
        let bad = format!("{}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", ours.pem());
        let project = project(&[(&server, &format!(", ca_file: '{path}'"))], &ours).file("bad.pem", &bad);
        project.run(&["run"]).code(2).says(said).says(hint).says("evalconfig.yaml:3");
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_server_that_never_shakes_hands_costs_the_connect_time_only() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    Project::with(&format!(
        "prompts: [hi]\nproviders:\n  - id: openai:m\n    connect_timeout_ms: 100\n    config: {{apiBaseUrl: 'https://{}/v1', maxRetries: 0}}\n",
        silent.local_addr().unwrap()
    ))
    .run(&["run"])
    .code(101)
    .says("/v1/chat/completions within 100ms")
    .says("connect_timeout_ms");
}
