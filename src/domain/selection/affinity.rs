//! Session ownership: who serves a conversation, and what binds it there (runtime.md §15.1, §12.3).
