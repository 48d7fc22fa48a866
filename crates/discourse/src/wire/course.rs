//! Categories, and what the server says about itself.

use serde::Deserialize;

use super::{or_default, text};

/// A category (contract discourse §5.3).
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Category {
    pub id: i64,
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub slug: String,
    #[serde(default, deserialize_with = "text")]
    pub color: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub text_color: Option<String>,
    /// The path of the topic that describes the category.
    #[serde(default, deserialize_with = "text")]
    pub topic_url: Option<String>,
    #[serde(default)]
    pub read_restricted: Option<bool>,
    /// Who may do what; shown to those who may edit the category.
    #[serde(default)]
    pub group_permissions: Option<Vec<GroupPermission>>,
}

/// What a group may do in a category; every one of the three rights includes reading (contract discourse §8.1).
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct GroupPermission {
    #[serde(default, deserialize_with = "or_default")]
    pub group_name: String,
    /// 1 create, 2 reply, 3 see.
    #[serde(default, deserialize_with = "or_default")]
    pub permission_type: i64,
}

/// A group (contract discourse §5.4).
#[derive(Debug, Deserialize)]
pub(crate) struct GroupRow {
    pub id: i64,
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub automatic: bool,
    #[serde(default, deserialize_with = "text")]
    pub bio_raw: Option<String>,
}

/// One group.
#[derive(Debug, Deserialize)]
pub(crate) struct OneGroup {
    pub group: GroupRow,
}

/// A group that was made.
#[derive(Debug, Deserialize)]
pub(crate) struct MadeGroup {
    pub basic_group: GroupRow,
}

/// A page of a group's members.
#[derive(Debug, Deserialize)]
pub(crate) struct MemberPage {
    #[serde(default, deserialize_with = "or_default")]
    pub members: Vec<Member>,
    pub meta: MemberCount,
}

/// One member.
#[derive(Debug, Deserialize)]
pub(crate) struct Member {
    pub id: i64,
}

/// How many there are in all.
#[derive(Debug, Deserialize)]
pub(crate) struct MemberCount {
    pub total: usize,
}

impl Category {
    /// The id of the topic that describes the category: the last part of its path.
    pub(crate) fn about_topic(&self) -> Option<i64> {
        self.topic_url.as_deref()?.rsplit('/').next()?.parse().ok()
    }

    /// How the category is named in the path of its lists: categories whose name has no Latin letters
    /// may have no slug (seen as `4-category` in webhooks of 2025.12).
    pub(crate) fn path_name(&self) -> String {
        if self.slug.is_empty() {
            format!("{}-category", self.id)
        } else {
            self.slug.clone()
        }
    }
}

/// One category.
#[derive(Debug, Deserialize)]
pub(crate) struct OneCategory {
    pub category: Category,
}

/// All categories.
#[derive(Debug, Deserialize)]
pub(crate) struct AllCategories {
    pub category_list: CategoryList,
}

/// The list of [`AllCategories`].
#[derive(Debug, Deserialize)]
pub(crate) struct CategoryList {
    #[serde(default, deserialize_with = "or_default")]
    pub categories: Vec<Category>,
}

/// What the server says about itself.
#[derive(Debug, Deserialize)]
pub(crate) struct AboutAnswer {
    pub about: About,
}

/// The part of it that matters.
#[derive(Debug, Deserialize)]
pub(crate) struct About {
    #[serde(default, deserialize_with = "text")]
    pub version: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub admins: Vec<Named>,
}

/// A user by name.
#[derive(Debug, Deserialize)]
pub(crate) struct Named {
    #[serde(default, deserialize_with = "or_default")]
    pub username: String,
}

/// Whom the key acts as.
#[derive(Debug, Deserialize)]
pub(crate) struct Session {
    pub current_user: CurrentUser,
}

/// The acting user.
#[derive(Debug, Deserialize)]
pub(crate) struct CurrentUser {
    #[serde(default, deserialize_with = "or_default")]
    pub username: String,
    #[serde(default, deserialize_with = "or_default")]
    pub admin: bool,
}
