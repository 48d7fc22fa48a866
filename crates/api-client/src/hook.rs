//! Posts to one fixed address that somebody configured: no redirects, no answer to read, and, unless it is allowed, no
//! address inside our own network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::error::Error;
use crate::redact::excerpt;
use crate::settings::Secret;

/// A target for posts. Its address is a secret: it may be all that lets us in.
#[derive(Debug, Clone)]
pub struct Hook {
    url: Secret,
    is_private_allowed: bool,
}

impl Hook {
    /// Checks an address; with `is_private_allowed` it may lie in our own network.
    pub fn new(url: Secret, is_private_allowed: bool) -> Result<Self, Error> {
        let parsed = Url::parse(url.expose()).map_err(Error::setup)?;
        if !matches!(parsed.scheme(), "https" | "http") {
            return Err(Error::setup(
                "the address must begin with http:// or https://",
            ));
        }
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(Error::setup(
                "the address must not hold a user or a password",
            ));
        }
        let Some(host) = parsed.host_str() else {
            return Err(Error::setup("the address has no host"));
        };
        // The parser has brought every spelling of a number to this one.
        let literal: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
        // A name is looked up when it is used, and checked then; a number is not looked up.
        if literal.is_some_and(|ip| !is_private_allowed && !is_public(ip)) {
            return Err(Error::setup(PRIVATE));
        }
        Ok(Self {
            url,
            is_private_allowed,
        })
    }

    /// Posts JSON with these headers; returns the status. The answer's body is not read.
    pub async fn post(&self, body: Vec<u8>, headers: &[(&str, String)]) -> Result<u16, Error> {
        const NAME: &str = "hook.post";
        rustls::crypto::ring::default_provider()
            .install_default()
            .unwrap_or(());
        #[expect(
            clippy::disallowed_methods,
            reason = "this crate is where HTTP clients are built"
        )]
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("antiphon/", env!("CARGO_PKG_VERSION")))
            .timeout(Duration::from_secs(20))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy();
        if !self.is_private_allowed {
            builder = builder.dns_resolver(Arc::new(PublicOnly));
        }
        let client = builder.build().map_err(Error::setup)?;
        let mut request = client
            .post(self.url.expose())
            .header("content-type", "application/json")
            .body(body);
        for (name, value) in headers {
            let value = HeaderValue::try_from(value.as_str()).map_err(Error::setup)?;
            request = request.header(*name, value);
        }
        match request.send().await {
            Ok(answer) => Ok(answer.status().as_u16()),
            Err(error) => Err(failure(NAME, error)),
        }
    }
}

const PRIVATE: &str = "the address lies in a private network; set allow_private if that is meant";

/// The innermost cause, without the address.
fn failure(name: &'static str, error: reqwest::Error) -> Error {
    let (is_connect, is_timeout) = (error.is_connect(), error.is_timeout());
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let reason = if is_timeout {
        "the time ran out".to_owned()
    } else {
        excerpt(&cause.to_string(), 200)
    };
    if is_connect {
        Error::NotSent { name, reason }
    } else {
        Error::NoAnswer { name, reason }
    }
}

/// Looks names up and gives only public addresses: the connection goes to what was checked.
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|found| is_public(found.ip())).collect();
            if public.is_empty() {
                return Err(PRIVATE.into());
            }
            let addresses: Addrs = Box::new(public.into_iter());
            Ok(addresses)
        })
    }
}

/// Whether an address belongs to the public internet.
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let is_special = ip.is_loopback()
        || ip.is_private()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (b == 18 || b == 19));
    !is_special
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    if let Some(inner) = ip.to_ipv4_mapped() {
        return is_public_v4(inner);
    }
    let [a, b, ..] = ip.segments();
    // 2000::/3 is all that is given out; 2001:db8 is for documents, 2001:0 and 2002 carry IPv4 addresses.
    (a & 0xe000) == 0x2000 && a != 0x2002 && !(a == 0x2001 && (b == 0xdb8 || b == 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_public_is_refused() {
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "2002:7f00:1::",
            "64:ff9b::7f00:1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
        for public in ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }

    fn refused(url: &str) -> bool {
        Hook::new(Secret::new(url), false).is_err()
    }

    #[test]
    fn addresses_are_checked_before_they_are_used() {
        assert!(refused("http://127.0.0.1/x"));
        assert!(refused("http://0x7f.1/x"), "the same in another spelling");
        assert!(refused("http://2130706433/"), "and as one number");
        assert!(refused("http://[::ffff:10.0.0.1]/x"));
        assert!(refused("ftp://example.org/x"));
        assert!(refused("https://user:pass@example.org/x"));
        assert!(!refused("https://hooks.example.org/x"));
        assert!(Hook::new(Secret::new("http://127.0.0.1/x"), true).is_ok());
    }

    #[tokio::test]
    async fn a_name_that_leads_home_is_not_followed() {
        let hook = Hook::new(Secret::new("http://localhost:9/secret-path"), false).unwrap();
        let error = hook.post(Vec::new(), &[]).await.unwrap_err().to_string();
        assert!(error.contains("private network"), "{error}");
        assert!(!error.contains("secret-path"), "{error}");
    }
}
