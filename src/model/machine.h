// What a state machine of this program is: one constexpr array of moves, checked by the compiler.
//
// A move names the state it leaves, the event, and the state it enters. machine_ok() holds: one
// move per state and event, terminal states have no way out and others have one, every state is
// reached from the first. Numbers of states are stored on disk: append, never renumber.
#pragma once

#include <array>
#include <cstddef>
#include <optional>

namespace taubenpost {

template <class State, class Event>
struct Move {
  State from;
  Event event;
  State to;
};

// The state after `event`, or nothing where the table has no such move.
template <class State, class Event, std::size_t N>
constexpr std::optional<State> next_state(const std::array<Move<State, Event>, N>& moves,
                                          State from, Event event) {
  for (const auto& move : moves)
    if (move.from == from && move.event == event) return move.to;
  return std::nullopt;
}

// For numbers read from disk: one that is no state means corruption.
template <class State, std::size_t N>
constexpr bool is_known(const std::array<State, N>& states, State state) {
  for (const State known : states)
    if (known == state) return true;
  return false;
}

template <class State, class Event, std::size_t M, std::size_t S, class Terminal>
constexpr bool machine_ok(const std::array<Move<State, Event>, M>& moves,
                          const std::array<State, S>& states, Terminal is_terminal) {
  for (std::size_t i = 0; i < M; ++i)
    for (std::size_t j = i + 1; j < M; ++j)
      if (moves[i].from == moves[j].from && moves[i].event == moves[j].event) return false;
  for (std::size_t i = 0; i < S; ++i) {
    bool way_out = false;
    bool reached = i == 0;
    for (const auto& move : moves) {
      way_out |= move.from == states[i];
      reached |= move.to == states[i];
    }
    if (way_out == is_terminal(states[i]) || !reached) return false;
  }
  return true;
}

}  // namespace taubenpost
