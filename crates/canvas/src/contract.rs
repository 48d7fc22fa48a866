//! Reads every recorded payload that is there (see the contract suite below).
