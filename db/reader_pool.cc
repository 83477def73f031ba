#include "db/reader_pool.h"

#include <utility>

namespace vbs::db {

/// Takes a connection for one transaction and gives it back, whatever happens between.
class ReaderPool::Lease {
 public:
  explicit Lease(ReaderPool& pool) : pool_(pool) {
    std::unique_lock lock(pool_.mutex_);
    pool_.returned_.wait(lock, [this] { return !pool_.idle_.empty(); });
    connection_ = std::move(pool_.idle_.back());
    pool_.idle_.pop_back();
  }

  ~Lease() {
    // Nothing was written: a rollback that fails has nothing left to undo.
    if (sqlite3_get_autocommit(connection_->handle()) == 0) {
      sqlite3_exec(connection_->handle(), "ROLLBACK", nullptr, nullptr, nullptr);
    }
    {
      const std::lock_guard guard(pool_.mutex_);
      pool_.idle_.push_back(std::move(connection_));
    }
    pool_.returned_.notify_one();
  }

  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  Connection& connection() { return *connection_; }

 private:
  ReaderPool& pool_;
  std::unique_ptr<Connection> connection_;
};

ReaderPool::ReaderPool(const std::string& path, unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    idle_.push_back(std::make_unique<Connection>(path, Connection::Mode::reader));
  }
}

void ReaderPool::run(const std::function<void(Connection&)>& query) {
  Lease lease(*this);
  lease.connection().prepare("BEGIN").run();
  query(lease.connection());
  lease.connection().prepare("COMMIT").run();
}

}  // namespace vbs::db
