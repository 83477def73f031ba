#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <thread>

#include "db/database.h"

namespace vbs::db {

struct WriteRequest {
  Database::Job job;
  Database::Done done;
  Executor* on;
};

/// Carries out writes on the one connection that writes. Every `done` is posted on its executor,
/// never called from here; executors must outlive the writer. Thread-safe.
class Writer {
 public:
  virtual ~Writer() = default;
  virtual void submit(WriteRequest request) = 0;
};

/// One commit for each request, inside `submit`.
class InlineWriter final : public Writer {
 public:
  explicit InlineWriter(std::unique_ptr<Connection> connection);
  void submit(WriteRequest request) override;

 private:
  std::mutex mutex_;
  std::unique_ptr<Connection> connection_;
};

/// One thread; what waits while a commit runs shares the next one. Destruction carries out what is
/// queued, then joins.
class ThreadedWriter final : public Writer {
 public:
  /// Beyond `max_queue` waiting requests, more fail with overloaded.
  ThreadedWriter(std::unique_ptr<Connection> connection, std::size_t max_queue);
  ~ThreadedWriter() override;
  ThreadedWriter(const ThreadedWriter&) = delete;
  ThreadedWriter& operator=(const ThreadedWriter&) = delete;
  void submit(WriteRequest request) override;

 private:
  void run();
  std::vector<WriteRequest> next_batch();

  std::unique_ptr<Connection> connection_;
  const std::size_t max_queue_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<WriteRequest> queue_;
  bool stopping_ = false;
  std::thread thread_;
};

/// Runs the jobs in one transaction, each in a savepoint of its own, commits once, then posts every
/// `done`. When the transaction as a whole is lost (disk full, i/o error), every job of it fails.
void run_batch(Connection& connection, std::span<WriteRequest> batch);

}  // namespace vbs::db
