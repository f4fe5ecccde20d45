//! Which certificate authorities are trusted.
//!
//! The platform's store, unless `SSL_CERT_FILE` or `SSL_CERT_DIR` is set: then these stand in its place, as for
//! OpenSSL. The certificates of `CODEX_CA_CERTIFICATE` are added to either. A variable that names something
//! unreadable or empty is an error that says so: quietly trusting less, or more, than asked helps nobody.
//! Reading takes tens of milliseconds, so it happens at the first `https` request and off the async threads.

use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls_native_certs::{CertificateResult, load_certs_from_paths, load_native_certs};

/// Where certificates come from, as the environment names it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RootSources {
    /// `SSL_CERT_FILE`
    pub file: Option<PathBuf>,
    /// `SSL_CERT_DIR`, still in one piece (`:` or `;` between folders).
    pub dirs: Option<std::ffi::OsString>,
    /// `CODEX_CA_CERTIFICATE`
    pub extra: Option<PathBuf>,
}

impl RootSources {
    /// Reads all certificates; blocking.
    ///
    /// # Errors
    /// A sentence that names the variable and the path.
    pub fn load(&self) -> Result<Vec<CertificateDer<'static>>, String> {
        let mut roots = if self.file.is_none() && self.dirs.is_none() { platform()? } else { self.named()? };
        if let Some(path) = &self.extra {
            roots.extend(from_file("CODEX_CA_CERTIFICATE", path)?);
        }
        Ok(roots)
    }

    fn named(&self) -> Result<Vec<CertificateDer<'static>>, String> {
        let mut roots = Vec::new();
        if let Some(path) = &self.file {
            roots.extend(from_file("SSL_CERT_FILE", path)?);
        }
        if let Some(dirs) = &self.dirs {
            let folders = std::env::split_paths(dirs).filter(|folder| !folder.as_os_str().is_empty());
            for folder in folders {
                roots.extend(usable(load_certs_from_paths(None, Some(&folder)).certs));
            }
            if roots.is_empty() {
                return Err(format!("SSL_CERT_DIR names {}, which holds no certificate", dirs.display()));
            }
        }
        Ok(roots)
    }
}

fn platform() -> Result<Vec<CertificateDer<'static>>, String> {
    let roots = usable(load_native_certs().certs);
    if roots.is_empty() {
        return Err("this system has no certificate store; name one with SSL_CERT_FILE".to_owned());
    }
    Ok(roots)
}

fn from_file(variable: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let CertificateResult { certs, errors, .. } = load_certs_from_paths(Some(path), None);
    let roots = usable(certs);
    if !roots.is_empty() {
        return Ok(roots);
    }
    let path = path.display();
    Err(match errors.first() {
        Some(error) => {
            let why = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
            format!("{variable} names {path}, which cannot be read: {why}")
        }
        None => format!("{variable} names {path}, which holds no certificate"),
    })
}

/// One certificate that the TLS library cannot read must not take the others with it.
fn usable(certs: Vec<CertificateDer<'static>>) -> Vec<CertificateDer<'static>> {
    certs.into_iter().filter(|der| RootCertStore::empty().add(der.clone()).is_ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authority() -> String {
        let key = rcgen::KeyPair::generate().unwrap();
        rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap().pem()
    }

    #[test]
    fn a_named_file_stands_in_place_of_the_platform_store_and_the_extra_one_is_added() {
        let dir = tempfile::tempdir().unwrap();
        let (file, extra) = (dir.path().join("bundle.pem"), dir.path().join("extra.pem"));
        std::fs::write(&file, authority() + &authority()).unwrap();
        std::fs::write(&extra, authority()).unwrap();

        let sources = RootSources { file: Some(file), dirs: None, extra: Some(extra) };

        assert_eq!(sources.load().unwrap().len(), 3);
    }

    #[test]
    fn a_variable_that_names_nothing_usable_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let (missing, empty) = (dir.path().join("missing.pem"), dir.path().join("empty.pem"));
        std::fs::write(&empty, "no certificate here").unwrap();

        let of = |path: &Path| RootSources { file: Some(path.to_owned()), ..RootSources::default() };
        let missing = of(&missing).load().unwrap_err();
        let empty = of(&empty).load().unwrap_err();

        assert!(missing.contains("SSL_CERT_FILE") && missing.contains("cannot be read"), "{missing}");
        assert!(empty.contains("holds no certificate"), "{empty}");
    }
}
