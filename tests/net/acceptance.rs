//! What the proxy must do, as its specification lists it (runtime.md §28), over real sockets. Cases that other groups
//! show are not shown twice:
//!
//! | | shown by |
//! |---|---|
//! | 1 | `net::acceptance::bodies` (three tests); 64 MiB: `net::acceptance::sockets::the_largest_message…`, `net::proxy::sockets::a_message_of_many_mebibytes…` |
//! | 2 | `net::proxy::turns`, `net::proxy::sockets::a_client_that_leaves_closes_upstream_at_once`, `pure::turns::a_client_that_leaves_harms_nobody` |
//! | 3 | `process::acceptance::a_reader_of_one_byte_a_second_costs_no_memory`, `…on_a_socket_costs_no_memory`, `a_slow_client_of_the_bridge…` |
//! | 4 | `net::acceptance::waits::every_way_to_state_a_wait_is_understood_to_the_second` |
//! | 5 | `process::acceptance::a_hundred_requests_over_three_processes…`; kills: `process::refresh::matrix::a_process_killed_anywhere…` |
//! | 6 | `pure::rows` (two tests over `tests/scenarios`), `net::proxy::rows`, `net::faults`, `pure::turns::every_recorded_answer_leads_to_its_row_of_the_table` |
//! | 7 | `net::acceptance::streams` (three tests), `net::proxy::streams` |
//! | 8 | `pure::turns::a_compaction_goes_back…`, `pure::turns::reasoning_an_account_could_not_read…`, `process::real` |
//! | 9 | `net::acceptance::sockets`, `net::proxy::sockets` |
//! | 10 | `process::real` |
//! | 11 | `net::proxy::refresh`, `process::refresh::neighbours` |
//! | 12 | `net::acceptance::routing` (three tests), `pure::turns::routing_is_discovered_first_and_applied` |
//! | 13 | `net::acceptance::pins` (five tests), `pure::turns::a_pinned_account_is_never_replaced_by_another` |
//! | 14 | `net::proxy::entrance`, `process::acceptance::how_long_a_refusal_takes…`; foreign uid: `net::proxy::entrance::another_users_program…`, `process::acceptance::a_program_of_another_user…`, `adapters::callers`, `formats::sock_diag` |
//! | 15 | breaker, affinity and sockets: `pure::machines` (three properties); selection and hybrid: `pure::selection` (four properties); counters: `net::acceptance::counters` |
//! | 16 | `process::acceptance::trouble_with_files…`, `…a_full_disk…`, `pure::selection::a_clock_that_jumps_an_hour…` |
//! | 17 | `process::acceptance::what_another_process_changes…`, `…an_account_that_another_process_adds…` |
//! | 18 | `pure::strategies`, `process::decisions`, `net::proxy::entrance`, `net::proxy::control` |

mod bodies;
mod counters;
mod pins;
mod routing;
mod sockets;
mod streams;
mod waits;
