//! The laws of version vectors as properties.

use proptest::prelude::*;

use super::*;

fn any_vector() -> impl Strategy<Value = VersionVector> {
    proptest::collection::btree_map(
        prop_oneof![
            Just(System::Canvas),
            Just(System::Discourse),
            Just(System::Local)
        ],
        0u64..4,
        0..3,
    )
    .prop_map(|counts| counts.into_iter().collect())
}

proptest! {
    #[test]
    fn join_is_idempotent_commutative_and_associative(a in any_vector(), b in any_vector(), c in any_vector()) {
        prop_assert_eq!(a.clone().join(&a).compare(&a), Relation::Identical);
        prop_assert_eq!(a.clone().join(&b).compare(&b.clone().join(&a)), Relation::Identical);
        let left = a.clone().join(&b).join(&c);
        let right = a.clone().join(&b.clone().join(&c));
        prop_assert_eq!(left.compare(&right), Relation::Identical);
    }

    #[test]
    fn join_is_the_least_upper_bound(a in any_vector(), b in any_vector(), c in any_vector()) {
        let joined = a.clone().join(&b);
        prop_assert!(joined.includes(&a) && joined.includes(&b));
        if c.includes(&a) && c.includes(&b) {
            prop_assert!(c.includes(&joined));
        }
    }

    #[test]
    fn an_increment_happens_after(a in any_vector(), system in prop_oneof![Just(System::Canvas), Just(System::Local)]) {
        prop_assert_eq!(a.clone().incremented(system).compare(&a), Relation::HappensAfter);
    }

    #[test]
    fn comparing_the_other_way_round_mirrors(a in any_vector(), b in any_vector()) {
        let mirrored = match a.compare(&b) {
            Relation::HappensBefore => Relation::HappensAfter,
            Relation::HappensAfter => Relation::HappensBefore,
            same => same,
        };
        prop_assert_eq!(b.compare(&a), mirrored);
    }

    #[test]
    fn happens_before_is_transitive(a in any_vector(), b in any_vector(), c in any_vector()) {
        if a.compare(&b) == Relation::HappensBefore && b.compare(&c) == Relation::HappensBefore {
            prop_assert_eq!(a.compare(&c), Relation::HappensBefore);
        }
    }

    #[test]
    fn two_increments_of_one_past_are_concurrent(a in any_vector()) {
        let left = a.clone().incremented(System::Canvas);
        let right = a.incremented(System::Discourse);
        prop_assert_eq!(left.compare(&right), Relation::Concurrent);
    }

    #[test]
    fn a_vector_reads_back_from_its_text(a in any_vector()) {
        let text = serde_json::to_string(&a).unwrap();
        prop_assert_eq!(serde_json::from_str::<VersionVector>(&text).unwrap(), a);
    }
}
