#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "db/sqlite_error.h"

namespace vbs::db {

/// The texts of an enum's values, in the order of the values.
template <std::size_t N>
using StateTexts = std::array<std::string_view, N>;

template <class State, std::size_t N>
std::string_view state_text(const StateTexts<N>& texts, State state) {
  return texts.at(static_cast<std::size_t>(state));
}

template <class State, std::size_t N>
std::optional<State> state_from(const StateTexts<N>& texts, std::string_view text) {
  auto found = std::find(texts.begin(), texts.end(), text);
  if (found == texts.end()) return std::nullopt;
  return static_cast<State>(found - texts.begin());
}

/// For a column: throws where the text is none of them.
template <class State, std::size_t N>
State stored_state(const StateTexts<N>& texts, std::string_view text) {
  auto state = state_from<State>(texts, text);
  if (!state) throw_corrupt("state", text);
  return *state;
}

}  // namespace vbs::db
