//! The Elm core: model, messages, effects, flows and screens. Pure.
