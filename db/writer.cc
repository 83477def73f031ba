#include "db/writer.h"

#include <utility>
#include <vector>

namespace vbs::db {
namespace {

using Results = std::vector<Result<void>>;

bool in_transaction(const Connection& connection) {
  return sqlite3_get_autocommit(connection.handle()) == 0;
}

Result<void> call(Connection& connection, const Database::Job& job) {
  try {
    Transaction transaction(connection);
    return job(transaction);
  } catch (const SqliteError& error) {
    // A full disk or an i/o error may have undone the whole batch, not just this job.
    if (!in_transaction(connection)) throw;
    return fail(error.to_error());
  } catch (const std::exception& error) {
    return fail(ErrorCode::internal, std::string("a database job threw: ") + error.what());
  }
}

Result<void> run_job(Connection& connection, const Database::Job& job) {
  connection.prepare("SAVEPOINT job").run();
  auto result = call(connection, job);
  if (!in_transaction(connection)) {
    throw SqliteError(SQLITE_ABORT_ROLLBACK, "a job ended the transaction of its batch");
  }
  if (!result) connection.prepare("ROLLBACK TO job").run();
  connection.prepare("RELEASE job").run();
  return result;
}

void roll_back(Connection& connection) {
  if (!in_transaction(connection)) return;
  // What failed has been reported; should this fail too, the next batch tries it again.
  sqlite3_exec(connection.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

Results commit_batch(Connection& connection, std::span<WriteRequest> batch) {
  Results results;
  results.reserve(batch.size());
  roll_back(connection);
  try {
    connection.prepare("BEGIN IMMEDIATE").run();
    for (auto& request : batch) results.push_back(run_job(connection, request.job));
    connection.prepare("COMMIT").run();
  } catch (const SqliteError& error) {
    roll_back(connection);
    results.assign(batch.size(), fail(error.to_error()));
  }
  return results;
}

void post_done(WriteRequest& request, Result<void> result) {
  request.on->post([done = std::move(request.done), result = std::move(result)] { done(result); });
}

void post_all_done(std::span<WriteRequest> batch, Results results) {
  for (std::size_t i = 0; i < batch.size(); ++i) post_done(batch[i], std::move(results[i]));
}

}  // namespace

void run_batch(Connection& connection, std::span<WriteRequest> batch) {
  post_all_done(batch, commit_batch(connection, batch));
}

InlineWriter::InlineWriter(std::unique_ptr<Connection> connection)
    : connection_(std::move(connection)) {}

void InlineWriter::submit(WriteRequest request) {
  const std::span batch(&request, 1);
  Results results;
  {
    const std::lock_guard guard(mutex_);
    results = commit_batch(*connection_, batch);
  }
  // An executor may run what is posted at once, and that may write again.
  post_all_done(batch, std::move(results));
}

ThreadedWriter::ThreadedWriter(std::unique_ptr<Connection> connection, std::size_t max_queue)
    : connection_(std::move(connection)), max_queue_(max_queue), thread_([this] { run(); }) {
  pthread_setname_np(thread_.native_handle(), "db-writer");
}

ThreadedWriter::~ThreadedWriter() {
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void ThreadedWriter::submit(WriteRequest request) {
  {
    const std::lock_guard guard(mutex_);
    if (queue_.size() < max_queue_) {
      queue_.push_back(std::move(request));
      wake_.notify_one();
      return;
    }
  }
  post_done(request, fail(ErrorCode::overloaded,
                          std::to_string(max_queue_) +
                              " writes wait for the metadata database already; try again later"));
}

std::vector<WriteRequest> ThreadedWriter::next_batch() {
  // Bounds how long the first of a batch waits for the last.
  constexpr std::size_t kMaxBatch = 512;
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
  std::vector<WriteRequest> batch;
  while (!queue_.empty() && batch.size() < kMaxBatch) {
    batch.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return batch;
}

void ThreadedWriter::run() {
  for (;;) {
    auto batch = next_batch();
    if (batch.empty()) return;
    run_batch(*connection_, batch);
  }
}

}  // namespace vbs::db
