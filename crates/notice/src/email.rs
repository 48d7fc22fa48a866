//! A message as e-mail. The messages of one episode stand in one thread.

use std::time::Duration;

use api_client::Secret;
use lettre::message::Mailbox;
use lettre::transport::smtp::AsyncSmtpTransportBuilder;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use model::NoticeKind;

use crate::{Message, words};

/// How the connection to the mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// It begins in the clear and must turn to TLS.
    Starttls,
    /// TLS from the beginning.
    Tls,
    /// Not at all: for a server on this machine.
    None,
}

/// A mail server and who gets mail.
#[derive(Debug, Clone)]
pub struct Email {
    host: String,
    port: u16,
    encryption: Encryption,
    login: Option<(String, Secret)>,
    from: Mailbox,
    to: Vec<Mailbox>,
}

impl Email {
    /// Checks sender and recipients, `ops@example.edu` or `Operators <ops@example.edu>`.
    pub fn new(
        (host, port): (String, u16),
        encryption: Encryption,
        login: Option<(String, Secret)>,
        from: &str,
        to: &[String],
    ) -> Result<Self, String> {
        let mailbox = |text: &str| {
            text.parse::<Mailbox>()
                .map_err(|error| format!("`{text}` is no e-mail address: {error}"))
        };
        if to.is_empty() {
            return Err("nobody is given to send to".to_owned());
        }
        if login.is_some() && encryption == Encryption::None {
            return Err("a password is not sent without encryption".to_owned());
        }
        Ok(Self {
            host,
            port,
            encryption,
            login,
            from: mailbox(from)?,
            to: to
                .iter()
                .map(|text| mailbox(text))
                .collect::<Result<_, _>>()?,
        })
    }

    fn transport(&self) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
        let tls = || TlsParameters::new(self.host.clone()).map_err(|error| error.to_string());
        let tls = match self.encryption {
            Encryption::Starttls => Tls::Required(tls()?),
            Encryption::Tls => Tls::Wrapper(tls()?),
            Encryption::None => Tls::None,
        };
        let mut builder: AsyncSmtpTransportBuilder =
            AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&self.host)
                .port(self.port)
                .tls(tls)
                .timeout(Some(Duration::from_secs(20)));
        if let Some((user, password)) = &self.login {
            let credentials = Credentials::new(user.clone(), password.expose().to_owned());
            builder = builder.credentials(credentials);
        }
        Ok(builder.build())
    }
}

pub(crate) async fn send(email: &Email, message: Message<'_>) -> Result<(), String> {
    let transport = email.transport()?;
    let mail = compose(email, message)?;
    match transport.send(mail).await {
        Ok(_) => Ok(()),
        // The server's words come without ours: a refused login does not name the password.
        Err(error) => Err(format!("the mail server: {error}")),
    }
}

fn compose(email: &Email, message: Message<'_>) -> Result<lettre::Message, String> {
    let domain = email.from.email.domain();
    let notice = message.notice;
    let thread = format!("<{}@{domain}>", notice.episode);
    let mut builder = lettre::Message::builder()
        .from(email.from.clone())
        .subject(format!("[Antiphon] {}", words::subject(notice)))
        .message_id(Some(format!("<{}@{domain}>", message.id)))
        .date(
            std::time::UNIX_EPOCH
                + Duration::from_millis(u64::try_from(message.now.0).unwrap_or(0)),
        );
    if matches!(
        notice.kind,
        NoticeKind::Updated | NoticeKind::Resolved | NoticeKind::Opened
    ) {
        builder = builder.references(thread.clone()).in_reply_to(thread);
    }
    for to in &email.to {
        builder = builder.to(to.clone());
    }
    builder
        .header(lettre::message::header::ContentType::TEXT_PLAIN)
        .body(words::text(message))
        .map_err(|error| error.to_string())
}
