//! What a server can do: its version, whom the key acts as, and whether it can act as others.
//!
//! Whether an edit's guard is known by its newer name cannot be asked, so both names are always sent
//! (contract discourse §1.8).

use ::connector::Capabilities;
use model::Class;

use crate::connector::Discourse;
use crate::failure::{self, Trouble};
use crate::site::Identity;
use crate::wire::course::About;

/// What the last probe found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Probed {
    /// The server's version; empty before the first probe.
    pub version: String,
    /// The acting user as the server names it.
    pub acting_as: Option<String>,
    /// The key is for all users.
    pub impersonates: bool,
}

impl Default for Probed {
    fn default() -> Self {
        Self {
            version: String::new(),
            acting_as: None,
            impersonates: true,
        }
    }
}

impl Probed {
    /// The same as the port's type.
    pub(crate) fn capabilities(self, service_user: &str) -> Capabilities {
        Capabilities {
            limits: limits(&self),
            version: self.version,
            acting_as: self.acting_as.unwrap_or_else(|| service_user.to_owned()),
            restores_posts: true,
            restores_topics: true,
            guards_edits: true,
            keeps_versions: true,
            impersonates: self.impersonates,
            has_feed: true,
        }
    }
}

impl Discourse {
    /// Asks the server.
    pub(crate) async fn find_out(&self) -> Result<Probed, Trouble> {
        let about = self.site.about().await.map_err(key_refused)?;
        let session = self
            .site
            .session(Identity::Service)
            .await
            .map_err(key_refused)?;
        if let Some(user) = session.as_ref().filter(|user| !user.admin) {
            return Err(failure::not_admin(&user.username).into());
        }
        let impersonates = self.is_key_for_all(&about).await?;
        Ok(Probed {
            version: about.version.unwrap_or_default(),
            acting_as: session
                .map(|user| user.username)
                .filter(|name| !name.is_empty()),
            impersonates,
        })
    }

    /// Whether the key acts as somebody else too. Asked with an account that certainly exists: another admin, or the
    /// system user. A key bound to one user is refused (contract discourse §2.1).
    async fn is_key_for_all(&self, about: &About) -> Result<bool, Trouble> {
        let is_other =
            |name: &&str| !name.is_empty() && !name.eq_ignore_ascii_case(self.site.service_user());
        let names = about.admins.iter().map(|admin| admin.username.as_str());
        let Some(other) = std::iter::once("system").chain(names).find(is_other) else {
            return Ok(true);
        };
        match self.site.session(Identity::Name(other)).await {
            Ok(_) => Ok(true),
            Err(trouble) if trouble.is(403) => Ok(false),
            Err(trouble) => Err(trouble),
        }
    }
}

/// At the door any 403 means the key, whatever its words.
fn key_refused(trouble: Trouble) -> Trouble {
    if trouble.is(403) && trouble.failure.class == Class::Permission {
        return failure::refused_key(&trouble.failure.message).into();
    }
    trouble
}

/// Whether a version refuses a new title when the old one is not the one we read: certain for the calendar versions
/// of 2025 and later, known to be missing in 3.1 (contract discourse §7.3).
pub(crate) fn guards_titles(version: &str) -> bool {
    let year = version
        .split(['.', '-'])
        .next()
        .and_then(|part| part.parse::<u32>().ok());
    year.is_some_and(|year| year >= 2025)
}

fn limits(probed: &Probed) -> Vec<String> {
    let mut limits = vec![
        "The check that guards an edit is not one step with the write: two edits in the same moment can both pass, \
         so what came back is compared after each write."
            .to_owned(),
        "Edits show in no list: without webhooks they are found by the sweep only.".to_owned(),
        "Every edit is validated: a text shorter than min_post_length can be created but not edited, \
         so set min_post_length and min_first_post_length to 1, and body_min_entropy to 0."
            .to_owned(),
        "A post that goes to the review queue loses its key; exempt the courses' groups from approval.".to_owned(),
        "The key of a deleted topic cannot be looked up.".to_owned(),
        "Small edits within five minutes change a post in place: no version of the text before is kept.".to_owned(),
    ];
    if !guards_titles(&probed.version) {
        limits.push(
            "This version may not guard titles: a title is read before it is changed, and two renames at once can \
             overwrite each other."
                .to_owned(),
        );
    }
    if !probed.impersonates {
        limits.push(
            "The API key is bound to one user: posts are made by the service account and name their author in the text."
                .to_owned(),
        );
    }
    limits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_guarded_by_calendar_versions_only() {
        assert!(guards_titles("2025.12.0-latest"));
        assert!(guards_titles("2026.1.0"));
        for version in ["3.1.0.beta2", "3.5.0", "", "latest"] {
            assert!(!guards_titles(version), "{version}");
        }
    }

    #[test]
    fn weaknesses_are_named() {
        let old = Probed {
            version: "3.1.0.beta2".to_owned(),
            impersonates: false,
            ..Probed::default()
        };
        let new = Probed {
            version: "2026.1.0".to_owned(),
            ..Probed::default()
        };
        assert_eq!(limits(&old).len(), limits(&new).len() + 2);
        assert_eq!(new.capabilities("system").acting_as, "system");
    }
}
