#include "db/database.h"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "common/log.h"
#include "db/copy_mark.h"
#include "db/database_file.h"
#include "db/migrations.h"
#include "db/reader_pool.h"
#include "db/sealed_secrets.h"
#include "db/writer.h"

namespace vbs::db {
namespace {

/// Above the first, only pages are checked, not that indexes and tables agree, which takes three
/// times as long; above the second nothing, for even that would hold up the start for seconds.
constexpr std::int64_t kIntegrityCheckLimit = 64LL << 20;
constexpr std::int64_t kQuickCheckLimit = 256LL << 20;

std::int64_t size_of(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 ? status.st_size : 0;
}

void check_pages(Connection& connection, std::int64_t bytes) {
  if (bytes >= kQuickCheckLimit) return;
  auto check = connection.prepare(bytes < kIntegrityCheckLimit ? "PRAGMA integrity_check(1)"
                                                               : "PRAGMA quick_check(1)");
  if (check.step() && check.text(0) != "ok") throw SqliteError(SQLITE_CORRUPT, check.string(0));
}

Error about(const std::string& path, Error error) {
  error.message = path + ": " + error.message;
  return error;
}

}  // namespace

struct Database::Impl {
  std::string path;
  // In this order: the readers go first, so that the writer's is the last connection, which folds
  // the log into the file; the claim goes last of all.
  FileDescriptor claim;
  std::optional<SecretBox> box;
  std::unique_ptr<Writer> writer;
  std::unique_ptr<ReaderPool> readers;

  Result<void> connect(const DatabaseOptions& options);
};

Result<void> Database::Impl::connect(const DatabaseOptions& options) {
  auto connection = std::make_unique<Connection>(path, Connection::Mode::writer);
  check_pages(*connection, size_of(path));
  // Before rows get numbers, as some migrations give them.
  const bool put_back = go_on_from_copy(*connection, SystemClock().wall());
  if (auto ok = migrate(*connection, known_migrations(), SystemClock().wall()); !ok) return ok;
  auto opened = open_box(*connection, options.key_file.empty() ? path + ".key" : options.key_file);
  if (!opened) return fail(opened.error());
  box = std::move(*opened);
  if (put_back)
    log::warning("the database was put back from a backup; see the operator guide, Backup",
                 {{"path", path}});
  readers = std::make_unique<ReaderPool>(path, std::max(1U, options.readers));
  if (options.mode == WriteMode::threaded) {
    writer = std::make_unique<ThreadedWriter>(std::move(connection), options.max_queued_writes);
  } else {
    writer = std::make_unique<InlineWriter>(std::move(connection));
  }
  return {};
}

Database::Database(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Database::~Database() = default;

Result<std::unique_ptr<Database>> Database::open(const DatabaseOptions& options) {
  auto impl = std::make_unique<Impl>();
  impl->path = options.path;
  auto claim = claim_database(options.path);
  if (!claim) return fail(claim.error());
  impl->claim = std::move(*claim);
  if (auto ok = prepare_database_file(options.path); !ok) return fail(ok.error());
  try {
    if (auto ok = impl->connect(options); !ok) return fail(about(options.path, ok.error()));
  } catch (const SqliteError& error) {
    return fail(about(options.path, error.to_error()));
  }
  return std::unique_ptr<Database>(new Database(std::move(impl)));
}

void Database::write(Job job, Done done, Executor& on) {
  impl_->writer->submit({std::move(job), std::move(done), &on});
}

Result<void> Database::read_erased(const std::function<void(Connection&)>& query) {
  try {
    impl_->readers->run(query);
    return {};
  } catch (const SqliteError& error) {
    return fail(error.to_error());
  } catch (const std::exception& error) {
    return fail(ErrorCode::internal, std::string("a database query threw: ") + error.what());
  }
}

const SecretBox& Database::box() const {
  return *impl_->box;
}

std::int64_t Database::file_bytes() const {
  return size_of(impl_->path) + size_of(impl_->path + "-wal");
}

}  // namespace vbs::db
