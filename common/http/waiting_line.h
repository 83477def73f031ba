#pragma once

#include <boost/intrusive/list.hpp>
#include <cstddef>

namespace vbs::http {

class Connection;

/// A connection's place in the line. `held` is what the server keeps in memory for it: the part of
/// a request that has come, the part of an answer that has not been taken.
struct Waiter : boost::intrusive::list_base_hook<> {
  explicit Waiter(Connection& its_connection) : connection(its_connection) {}
  Connection& connection;
  std::size_t held = 0;
};

/// The connections of one shard that wait for their peers, in the order in which they last got on:
/// connected, began a request or were answered. Where there are too many, or too much is held for
/// them, whoever stands first has to go, so that a client which sends its request is served
/// whatever others hold open. A connection whose request is in a handler stands in no line. Lives
/// on its shard's thread.
class WaitingLine {
 public:
  /// `most`: connections, at least 1. `most_held`: bytes.
  WaitingLine(std::size_t most, std::size_t most_held) : most_(most), most_held_(most_held) {}

  /// At the end, also where it stands in line already.
  void enter(Waiter& waiter);
  /// Nothing is held for it any more.
  void leave(Waiter& waiter);
  void hold(Waiter& waiter, std::size_t bytes);
  /// Who has to go now; nullptr if nobody. The last one for whom something is held may stay: a
  /// single message may be as long as it likes.
  Connection* surplus();

 private:
  using List = boost::intrusive::list<Waiter>;

  List line_;
  std::size_t most_;
  std::size_t most_held_;
  std::size_t held_ = 0;
};

}  // namespace vbs::http
