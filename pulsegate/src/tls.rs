//! TLS on the gateway's own listener, where no proxy ends it.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// How often the files are looked at: whoever renews a certificate has to do nothing else.
const LOOK: Duration = Duration::from_secs(5);

/// Where a certificate and its key are, both as PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Files {
    /// The certificate, and those that lead from it to one that clients trust.
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// Why files can't be used. The texts hold nothing of a key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unusable {
    #[error("{0:?} can't be read ({1}); allowed: a PEM file")]
    Unreadable(PathBuf, io::Error),
    #[error(
        "{0:?} holds no certificate; allowed: a PEM file with the certificate and those that it leads to"
    )]
    NoCertificate(PathBuf),
    #[error("{0:?} holds no private key; allowed: a PEM file with the key of the certificate")]
    NoKey(PathBuf),
    #[error("{0:?} and the certificate do not go together ({1})")]
    Mismatch(PathBuf, rustls::Error),
}

impl Unusable {
    /// Whether it is the certificate's file that is wrong, and not the key's.
    pub(crate) fn is_of_certificate(&self, files: &Files) -> bool {
        match self {
            Self::Unreadable(path, _) => *path == files.certificate,
            Self::NoCertificate(_) => true,
            Self::NoKey(_) | Self::Mismatch(..) => false,
        }
    }
}

/// What the two files hold.
#[derive(PartialEq, Eq)]
struct Pair {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

fn read(path: &Path) -> Result<Vec<u8>, Unusable> {
    fs::read(path).map_err(|fault| Unusable::Unreadable(path.to_owned(), fault))
}

impl Files {
    fn pair(&self) -> Result<Pair, Unusable> {
        Ok(Pair { certificate: read(&self.certificate)?, key: read(&self.key)? })
    }

    fn config(&self, pair: &Pair) -> Result<Arc<ServerConfig>, Unusable> {
        let chain: Vec<_> =
            CertificateDer::pem_slice_iter(&pair.certificate).filter_map(Result::ok).collect();
        if chain.is_empty() {
            return Err(Unusable::NoCertificate(self.certificate.clone()));
        }
        let key = PrivateKeyDer::from_pem_slice(&pair.key).map_err(|_| Unusable::NoKey(self.key.clone()))?;
        let mismatch = |fault| Unusable::Mismatch(self.key.clone(), fault);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(mismatch)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(mismatch)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// Whether they can be used.
    pub(crate) fn check(&self) -> Result<(), Unusable> {
        self.config(&self.pair()?).map(drop)
    }
}

/// A certificate that follows its files.
pub(crate) struct Certificate {
    files: Files,
    current: RwLock<(Pair, Arc<ServerConfig>)>,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Certificate {
    pub(crate) fn open(files: Files) -> Result<Arc<Self>, Unusable> {
        let pair = files.pair()?;
        let config = files.config(&pair)?;
        Ok(Arc::new(Self { files, current: RwLock::new((pair, config)) }))
    }

    /// For a connection that begins now.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        TlsAcceptor::from(Arc::clone(&current.1))
    }

    /// Looks at the files now and again, until `stop`. Files that can't be used, as while they are being replaced, change
    /// nothing.
    pub(crate) async fn keep_current(self: Arc<Self>, stop: CancellationToken) {
        let mut said = String::new();
        while stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
            let certificate = Arc::clone(&self);
            let looked = tokio::task::spawn_blocking(move || certificate.look()).await;
            match looked {
                Ok(Ok(false)) | Err(_) => {}
                Ok(Ok(true)) => {
                    said.clear();
                    tracing::info!("new connections get the certificate that is there now");
                }
                Ok(Err(fault)) => {
                    let what = fault.to_string();
                    if said != what {
                        tracing::warn!("the certificate that was read last goes on: {what}");
                        said = what;
                    }
                }
            }
        }
    }

    /// True where they are others than before.
    fn look(&self) -> Result<bool, Unusable> {
        let pair = self.files.pair()?;
        if self.current.read().unwrap_or_else(PoisonError::into_inner).0 == pair {
            return Ok(false);
        }
        let config = self.files.config(&pair)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = (pair, config);
        Ok(true)
    }
}
