//! Outcomes as text or JSON.
