#include "common/http/waiting_line.h"

#include <algorithm>

namespace vbs::http {

void WaitingLine::enter(Waiter& waiter) {
  if (waiter.is_linked()) line_.erase(line_.iterator_to(waiter));
  line_.push_back(waiter);
}

void WaitingLine::leave(Waiter& waiter) {
  hold(waiter, 0);
  if (waiter.is_linked()) line_.erase(line_.iterator_to(waiter));
}

void WaitingLine::hold(Waiter& waiter, std::size_t bytes) {
  held_ += bytes - waiter.held;
  waiter.held = bytes;
}

Connection* WaitingLine::surplus() {
  if (line_.size() > most_) return &line_.front().connection;
  if (held_ <= most_held_) return nullptr;
  const auto first =
      std::find_if(line_.begin(), line_.end(), [](const Waiter& w) { return w.held > 0; });
  return first == line_.end() || first->held == held_ ? nullptr : &first->connection;
}

}  // namespace vbs::http
