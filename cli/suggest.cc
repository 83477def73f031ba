#include "cli/suggest.h"

#include <algorithm>

namespace vbs::cli {
namespace {

/// Longer than any verb: nothing that long is a typing slip, and the table below stays small.
constexpr std::size_t kMaxTyped = 64;

/// Optimal string alignment distance.
std::size_t edits_between(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, replaced});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

std::string only_one_beginning_with(std::string_view typed, const std::vector<std::string>& known) {
  std::string found;
  for (const auto& word : known) {
    if (!word.starts_with(typed)) continue;
    if (!found.empty()) return "";
    found = word;
  }
  return found;
}

}  // namespace

std::string suggest(std::string_view typed, const std::vector<std::string>& known) {
  if (typed.size() < 2 || typed.size() > kMaxTyped) return "";
  std::string best;
  std::size_t best_edits = std::max<std::size_t>(typed.size() / 3, 1) + 1;
  for (const auto& word : known) {
    const std::size_t edits = edits_between(typed, word);
    if (edits < best_edits) {
      best = word;
      best_edits = edits;
    }
  }
  return best.empty() ? only_one_beginning_with(typed, known) : best;
}

}  // namespace vbs::cli
