//! The tables of the operators' side.

pub(crate) mod account;
pub(crate) mod audit;
pub(crate) mod error_group;
pub(crate) mod kept_answer;
pub(crate) mod outbox;
pub(crate) mod overview;
pub(crate) mod search;
pub(crate) mod tally;
pub(crate) mod token;

use crate::desk::DeskChange;
use crate::error::Result;
use crate::session::Session;

/// Makes one change of the operators' side inside a transaction.
pub(crate) async fn apply(session: &mut Session, change: &DeskChange) -> Result<()> {
    match change {
        DeskChange::SaveAccount(account) => account::save(session, account).await,
        DeskChange::RemoveAccount(name) => account::remove(session, name).await,
        DeskChange::OpenSession(login) => account::open(session, login).await,
        DeskChange::TouchSession { digest, at } => account::touch(session, digest, *at).await,
        DeskChange::CloseSession(digest) => account::close(session, digest).await,
        DeskChange::AddToken(token) => token::add(session, token).await,
        DeskChange::RevokeToken { id, at } => token::revoke(session, id, *at).await,
        DeskChange::Audit(entry) => audit::add(session, entry).await,
        DeskChange::KeepAnswer(answer) => kept_answer::keep(session, answer).await,
        DeskChange::NoteError {
            cause,
            muted_until,
            resolved_at,
            who,
            why,
        } => {
            let note = error_group::Note {
                muted_until: *muted_until,
                resolved_at: *resolved_at,
                who,
                why,
            };
            error_group::note(session, cause, &note).await
        }
        DeskChange::NoteTold { cause, told } => error_group::tell(session, cause, told).await,
        DeskChange::ResolveQuiet { cause, last, why } => {
            error_group::resolve_quiet(session, cause, *last, why).await
        }
        DeskChange::Post(line) => outbox::add(session, line).await,
        DeskChange::NotePost(line) => outbox::note(session, line).await,
    }
}
