//! What changes the forum: one module per kind of change.
//!
//! Rules live here; they work on the state, plan web hook events and know nothing about HTTP
//! beyond the answers that refusals end in.

pub mod approve;
pub mod category;
pub mod check;
pub mod create;
pub mod destroy;
pub mod group;
pub mod insert;
pub mod like;
pub mod movement;
pub mod owner;
pub mod reap;
pub mod revise;
pub mod status;
pub mod topic_edit;
pub mod upload;
pub mod user;

use crate::state::World;
use crate::text::inline::Lookup;

impl Lookup for World {
    fn mention(&self, name: &str) -> Option<String> {
        if let Some(user) = self.user_by_name(name) {
            return Some(format!("/u/{}", user.username.to_lowercase()));
        }
        self.group_by_name(name)
            .filter(|group| group.id != crate::state::category::EVERYONE)
            .map(|group| format!("/groups/{}", group.name))
    }

    fn avatar(&self, name: &str) -> Option<String> {
        self.user_by_name(name)
            .map(|user| user.avatar_template().replace("{size}", "40"))
    }

    fn hashtag(&self, name: &str) -> Option<String> {
        let category = self
            .categories
            .values()
            .find(|category| category.slug == name);
        if let Some(category) = category {
            return Some(format!("/c/{}/{}", category.slug, category.id));
        }
        self.tags
            .values()
            .find(|tag| tag.name == name)
            .map(|tag| format!("/tag/{}", tag.name))
    }

    fn upload(&self, short_url: &str) -> Option<String> {
        self.uploads
            .values()
            .find(|upload| upload.short_url() == short_url)
            .map(super::state::upload::Upload::path)
    }
}
