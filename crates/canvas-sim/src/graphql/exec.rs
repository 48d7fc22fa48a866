//! Running a checked operation: variables, fragments, directives, answer keys.
//! What a field means is told by `node`, `discussion`, `entry` and `mutation`.

use super::parse::{Directive, Document, Field, Literal, Operation, Selection};
use super::schema::Schema;
use super::{mutation, node};
use crate::json::Reader;
use crate::route::Ctx;
use crate::world::World;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// An object of the answer.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Query,
    Course(u64),
    Discussion(u64),
    Entry(u64),
    /// A user, seen in a course.
    User(u64, u64),
    Section(u64),
    Group(u64),
    GroupSet(u64),
    File(u64),
    Assignment(u64),
    /// An object whose fields are already worked out: connections, edges, payloads, counts.
    Made(&'static str, BTreeMap<&'static str, Res>),
}

/// What a field gives.
#[derive(Clone, Debug)]
pub(super) enum Res {
    Scalar(Value),
    Node(Node),
    List(Vec<Res>),
}

impl Res {
    pub(super) fn null() -> Self {
        Self::Scalar(Value::Null)
    }

    /// A node or null.
    pub(super) fn maybe(node: Option<Node>) -> Self {
        node.map_or_else(Self::null, Self::Node)
    }
}

impl Node {
    /// The name in `__typename`.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Query => "Query",
            Self::Course(_) => "Course",
            Self::Discussion(_) => "Discussion",
            Self::Entry(_) => "DiscussionEntry",
            Self::User(..) => "User",
            Self::Section(_) => "Section",
            Self::Group(_) => "Group",
            Self::GroupSet(_) => "GroupSet",
            Self::File(_) => "File",
            Self::Assignment(_) => "Assignment",
            Self::Made(name, _) => name,
        }
    }
}

/// Arguments of one field, variables filled in.
pub(super) struct Arguments(pub Map<String, Value>);

impl Arguments {
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|v| !v.is_null())
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.get(name).and_then(crate::request::scalar)
    }

    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        self.get(name).and_then(Value::as_bool)
    }

    pub(super) fn count(&self, name: &str) -> Option<usize> {
        self.get(name)
            .and_then(Value::as_u64)
            .and_then(|n| usize::try_from(n).ok())
    }
}

/// What resolvers read with.
pub(super) struct Scene<'a> {
    pub world: &'a World,
    pub reader: Reader<'a>,
    pub schema: Schema,
    /// Lists lack what was created after this.
    pub horizon: i64,
}

/// One running operation.
pub(super) struct Run<'a, 'c> {
    world: &'a mut World,
    ctx: &'a Ctx<'c>,
    schema: Schema,
    document: &'a Document,
    variables: Map<String, Value>,
    errors: Vec<Value>,
}

fn is_fit(value: &Value, kind: &str) -> bool {
    let (kind, is_required) = match kind.strip_suffix('!') {
        Some(kind) => (kind, true),
        None => (kind, false),
    };
    if value.is_null() {
        return !is_required;
    }
    if let Some(inner) = kind.strip_prefix('[').and_then(|k| k.strip_suffix(']')) {
        return value
            .as_array()
            .is_none_or(|items| items.iter().all(|v| is_fit(v, inner)));
    }
    match kind {
        "ID" => value.is_string() || value.is_u64() || value.is_i64(),
        "String" | "DateTime" => value.is_string(),
        "Int" => value.is_i64() || value.is_u64(),
        "Boolean" => value.is_boolean(),
        _ => true,
    }
}

/// Fills in defaults and checks the values of variables.
pub(super) fn coerce(
    operation: &Operation,
    given: &Map<String, Value>,
) -> Result<Map<String, Value>, Value> {
    let mut out = Map::new();
    for variable in &operation.variables {
        let value = match (given.get(&variable.name), &variable.default) {
            (Some(value), _) => value.clone(),
            (None, Some(default)) => literal(default, &Map::new()),
            (None, None) if variable.kind.ends_with('!') => Value::Null,
            (None, None) => continue,
        };
        if !is_fit(&value, &variable.kind) {
            let message = format!(
                "Variable ${} of type {} was provided invalid value",
                variable.name, variable.kind
            );
            let explanation = if value.is_null() {
                "Expected value to not be null".to_owned()
            } else {
                format!(
                    "Could not coerce value {value} to {}",
                    variable.kind.trim_end_matches('!')
                )
            };
            return Err(json!({"message": message, "extensions": {"value": value,
                "problems": [{"path": [], "explanation": explanation}]}}));
        }
        out.insert(variable.name.clone(), value);
    }
    Ok(out)
}

/// A literal as JSON; an unset variable is null.
fn literal(value: &Literal, variables: &Map<String, Value>) -> Value {
    match value {
        Literal::Variable(name) => variables.get(name).cloned().unwrap_or(Value::Null),
        Literal::Null => Value::Null,
        Literal::Bool(flag) => json!(flag),
        Literal::Int(n) => json!(n),
        Literal::Float(n) => json!(n),
        Literal::Text(text) | Literal::Enum(text) => json!(text),
        Literal::List(items) => items.iter().map(|v| literal(v, variables)).collect(),
        Literal::Object(fields) => fields
            .iter()
            // An unset variable leaves the key out, so that "absent" can mean something.
            .filter(|(_, v)| !matches!(v, Literal::Variable(name) if !variables.contains_key(name)))
            .map(|(k, v)| (k.clone(), literal(v, variables)))
            .collect::<Map<_, _>>()
            .into(),
    }
}

impl<'a, 'c> Run<'a, 'c> {
    pub(super) fn new(
        world: &'a mut World,
        ctx: &'a Ctx<'c>,
        schema: Schema,
        document: &'a Document,
        variables: Map<String, Value>,
    ) -> Self {
        Self {
            world,
            ctx,
            schema,
            document,
            variables,
            errors: Vec::new(),
        }
    }

    /// Runs the root selections; gives `data` and the root errors.
    pub(super) fn root(
        mut self,
        selections: &[Selection],
        is_mutation: bool,
    ) -> (Value, Vec<Value>) {
        let is_scoped = self.ctx.caller.as_ref().is_some_and(|c| c.is_scoped);
        let mut data = Map::new();
        let kind = if is_mutation { "Mutation" } else { "Query" };
        for field in self.flatten(selections, kind) {
            let value = if is_scoped && field.name != "__typename" {
                Value::Null
            } else if is_mutation {
                self.mutate(&field)
            } else {
                self.field(&Node::Query, &field)
            };
            merge(&mut data, field.key(), value);
        }
        (Value::Object(data), self.errors)
    }

    fn mutate(&mut self, field: &Field) -> Value {
        if field.name == "__typename" {
            return json!("Mutation");
        }
        let arguments = self.arguments(field);
        match mutation::run(self.world, self.ctx, &field.name, &arguments) {
            Ok(payload) => self.complete(Res::Node(payload), &field.selections),
            Err(message) => {
                self.errors.push(json!({"message": message,
                    "locations": [{"line": field.at.line, "column": field.at.column}],
                    "path": [field.key()]}));
                Value::Null
            }
        }
    }

    fn arguments(&self, field: &Field) -> Arguments {
        let pairs = field
            .arguments
            .iter()
            .filter(|(_, v)| {
                !matches!(v, Literal::Variable(name) if !self.variables.contains_key(name))
            })
            .map(|(k, v)| (k.clone(), literal(v, &self.variables)));
        Arguments(pairs.collect())
    }

    fn is_wanted(&self, directives: &[Directive]) -> bool {
        directives.iter().all(|d| {
            let value = d
                .arguments
                .iter()
                .find(|(n, _)| n == "if")
                .map(|(_, v)| literal(v, &self.variables));
            let is_on = value.as_ref().and_then(Value::as_bool).unwrap_or(true);
            match d.name.as_str() {
                "include" => is_on,
                "skip" => !is_on,
                _ => true,
            }
        })
    }

    /// The fields that apply to a type, fragments opened.
    fn flatten(&self, selections: &[Selection], kind: &str) -> Vec<Field> {
        let fits = |on: &str| on == kind || on == "Node";
        let mut out = Vec::new();
        for selection in selections {
            match selection {
                Selection::Field(field) if self.is_wanted(&field.directives) => {
                    out.push(field.clone());
                }
                Selection::Inline {
                    on,
                    directives,
                    selections,
                    ..
                } if self.is_wanted(directives) && on.as_deref().is_none_or(fits) => {
                    out.extend(self.flatten(selections, kind));
                }
                Selection::Spread {
                    name, directives, ..
                } if self.is_wanted(directives) => {
                    if let Some(fragment) =
                        self.document.fragments.get(name).filter(|f| fits(&f.on))
                    {
                        out.extend(self.flatten(&fragment.selections, kind));
                    }
                }
                _ => {}
            }
        }
        out
    }

    fn field(&self, node: &Node, field: &Field) -> Value {
        if field.name == "__typename" {
            return json!(node.type_name());
        }
        let arguments = self.arguments(field);
        let reader = self.ctx.reader(self.world);
        let horizon = self.ctx.list_horizon(self.world.now());
        let scene = Scene {
            world: self.world,
            reader,
            schema: self.schema,
            horizon,
        };
        let res = match node {
            Node::Made(_, fields) => fields
                .get(field.name.as_str())
                .cloned()
                .unwrap_or_else(Res::null),
            node => node::resolve(&scene, node, &field.name, &arguments),
        };
        self.complete(res, &field.selections)
    }

    fn complete(&self, res: Res, selections: &[Selection]) -> Value {
        match res {
            Res::Scalar(value) => value,
            Res::List(items) => items
                .into_iter()
                .map(|item| self.complete(item, selections))
                .collect(),
            Res::Node(node) => {
                let mut out = Map::new();
                for field in self.flatten(selections, node.type_name()) {
                    let value = self.field(&node, &field);
                    merge(&mut out, field.key(), value);
                }
                Value::Object(out)
            }
        }
    }
}

/// Puts a value under its key; objects that come twice are merged.
fn merge(map: &mut Map<String, Value>, key: &str, value: Value) {
    match (map.get_mut(key), value) {
        (Some(old @ Value::Object(_)), new @ Value::Object(_)) => crate::json::put(old, new),
        (_, value) => {
            map.insert(key.to_owned(), value);
        }
    }
}
