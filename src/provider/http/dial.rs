//! How connections are made, and the clients that keep them.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Url};
use rustls::pki_types::CertificateDer;

use super::super::Setup;
use super::failure::innermost;
use crate::env::Env;
use crate::record::{CallFailure, Reason};

/// Variables that may send a plain request to a proxy that is spoken to by TLS.
const PROXIES: &[&str] = &["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// How connections are made. Providers that agree in this share a pool of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::provider) struct Dial {
    /// Until a connection stands, TLS included.
    pub connect: Duration,
    /// Whose certificates are believed.
    pub trust: Trust,
}

/// Whose certificates are believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::provider) enum Trust {
    /// Nobody's: there will be no TLS. Reading the system's authorities costs more time and memory
    /// than everything else that a small run does.
    Nobody,
    /// Those of the system's authorities, and of these.
    System(Vec<CertificateDer<'static>>),
}

impl Dial {
    /// As a provider is configured.
    pub(in crate::provider) fn new(setup: &Setup<'_>, url: &Url, authorities: Vec<CertificateDer<'static>>) -> Self {
        Self::to(url, setup.env, setup.timeouts.connect, authorities)
    }

    /// To an address, believing these authorities beside the system's.
    pub(in crate::provider) fn to(
        url: &Url,
        env: &Env,
        connect: Duration,
        authorities: Vec<CertificateDer<'static>>,
    ) -> Self {
        let plain = url.scheme() == "http" && !may_use_proxy(env);
        let trust = if plain { Trust::Nobody } else { Trust::System(authorities) };
        Self { connect, trust }
    }

    /// The client for such connections, made when it is first needed.
    pub(super) fn client(&self) -> Result<Client, CallFailure> {
        static CLIENTS: Mutex<Vec<(Dial, Client)>> = Mutex::new(Vec::new());
        let mut clients = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, client)) = clients.iter().find(|(dial, _)| dial == self) {
            return Ok(client.clone());
        }
        let client = self.build().map_err(|e| {
            CallFailure::new(Reason::Unreachable, format!("the HTTP client cannot start: {}", innermost(&e)))
                .hint("are the system's TLS root certificates and proxy variables in order?")
        })?;
        clients.push((self.clone(), client.clone()));
        Ok(client)
    }

    fn build(&self) -> reqwest::Result<Client> {
        // An error only says that a provider is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = Client::builder()
            .user_agent(concat!("prompteval/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .connect_timeout(self.connect);
        match &self.trust {
            Trust::Nobody => builder.tls_certs_only([]).build(),
            Trust::System(further) => {
                let further = further.iter().map(|der| Certificate::from_der(der)).collect::<Result<Vec<_>, _>>()?;
                builder.tls_certs_merge(further).build()
            }
        }
    }
}

fn may_use_proxy(env: &Env) -> bool {
    PROXIES.iter().any(|name| env.get(name).is_some())
}
