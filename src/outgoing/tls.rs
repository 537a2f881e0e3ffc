//! Whose certificates are trusted.

use std::io;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use rustls_native_certs::load_native_certs;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// What the operating system trusts. Read once: these are hundreds of files, and a server has several clients.
static SYSTEM: LazyLock<RootCertStore> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    // One that cannot be parsed is not trusted.
    roots.add_parsable_certificates(load_native_certs().certs);
    roots
});

/// Trusts what the operating system trusts, and the certificates of a PEM file (RFC 7468).
///
/// # Errors
/// When the file cannot be read, or has no certificate in it.
pub fn connector(ca_file: Option<&Path>) -> io::Result<TlsConnector> {
    let mut roots = SYSTEM.clone();
    if let Some(file) = ca_file {
        let certificates = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let certificates = certificates.map_err(io::Error::other)?;
        if certificates.is_empty() {
            return Err(io::Error::other("there is no certificate in it"));
        }
        for certificate in certificates {
            roots.add(certificate).map_err(io::Error::other)?;
        }
    }
    if roots.is_empty() {
        tracing::warn!("the operating system trusts no certificates, so no outgoing call over TLS can succeed");
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config).into())
}
