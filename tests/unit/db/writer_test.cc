#include "db/writer.h"

#include <atomic>
#include <latch>
#include <thread>

#include "db/migrations.h"
#include "tests/unit/db/support.h"

namespace vbs::db::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Keeps what is posted until it is asked to run it.
class HeldExecutor final : public Executor {
 public:
  void post(Task task) override {
    const std::lock_guard guard(mutex_);
    tasks_.push_back(std::move(task));
    posted_.notify_all();
  }
  TimerId post_after(Milliseconds, Task) override { std::abort(); }
  void cancel(TimerId) override { std::abort(); }

  /// Waits for `count` tasks and runs them in order.
  void run(std::size_t count) {
    std::unique_lock lock(mutex_);
    posted_.wait(lock, [&] { return tasks_.size() >= count; });
    for (const auto& task : std::exchange(tasks_, {})) task();
  }

 private:
  std::mutex mutex_;
  std::condition_variable posted_;
  std::vector<Task> tasks_;
};

int count_commit(void* counter) {
  ++*static_cast<std::atomic<int>*>(counter);
  return 0;
}

/// A writer on a database with the real schema, whose commits are counted.
class WriterTest : public ::testing::Test {
 protected:
  std::unique_ptr<Connection> connect() {
    auto connection = std::make_unique<Connection>(path(), Connection::Mode::writer);
    EXPECT_TRUE(migrate(*connection, known_migrations(), kNow));
    sqlite3_commit_hook(connection->handle(), count_commit, &commits_);
    commits_ = 0;
    return connection;
  }
  void start(std::size_t max_queue = 4096) {
    writer_ = std::make_unique<ThreadedWriter>(connect(), max_queue);
  }

  /// A job that holds up the writer until `gate_` is opened; returns when it runs.
  void close_gate() {
    std::promise<void> entered;
    submit([this, &entered](Transaction&) -> Result<void> {
      entered.set_value();
      gate_.wait();
      return {};
    });
    entered.get_future().wait();
  }
  void submit(Database::Job job) {
    writer_->submit({std::move(job),
                     [this](Result<void> result) { results_.push_back(std::move(result)); },
                     &executor_});
  }
  static Database::Job insert(unsigned n) {
    return [n](Transaction& tx) -> Result<void> {
      Volume volume = test_volume(n);
      VolumeTable(tx.connection()).insert(volume, {});
      return {};
    };
  }
  std::size_t rows() {
    Connection reader(path(), Connection::Mode::reader);
    return VolumeTable(reader).list({}).size();
  }
  std::vector<bool> outcomes() const {
    std::vector<bool> outcomes;
    for (const auto& result : results_) outcomes.push_back(result.has_value());
    return outcomes;
  }
  std::string path() const { return directory_.file("w.db"); }

  TemporaryDirectory directory_;
  HeldExecutor executor_;
  std::latch gate_{1};
  std::atomic<int> commits_{0};
  std::vector<Result<void>> results_;
  std::unique_ptr<Writer> writer_;
};

TEST_F(WriterTest, JobsThatWaitTogetherShareOneCommit) {
  start();
  close_gate();
  for (unsigned n = 1; n <= 100; ++n) submit(insert(n));
  gate_.count_down();
  executor_.run(101);
  EXPECT_EQ(results_.size(), 101U);
  EXPECT_EQ(rows(), 100U);
  // The gate's own transaction wrote nothing, but it ends by a commit too.
  EXPECT_LE(commits_, 2);
}

TEST_F(WriterTest, ManyClientsNeedFewerCommitsThanJobs) {
  constexpr unsigned kClients = 16;
  constexpr unsigned kEach = 50;
  start();
  std::atomic<unsigned> done{0};
  std::vector<std::jthread> clients;
  for (unsigned client = 0; client < kClients; ++client) {
    clients.emplace_back([&, client] {
      DirectExecutor direct;
      for (unsigned i = 0; i < kEach; ++i) {
        std::promise<Result<void>> promise;
        writer_->submit({insert(1 + client * kEach + i),
                         [&](Result<void> result) { promise.set_value(std::move(result)); },
                         &direct});
        if (promise.get_future().get()) ++done;
      }
    });
  }
  clients.clear();
  EXPECT_EQ(done, kClients * kEach);
  EXPECT_EQ(rows(), kClients * kEach);
  EXPECT_LT(commits_, static_cast<int>(kClients * kEach));
}

TEST_F(WriterTest, AFailingJobUndoesOnlyItsOwn) {
  start();
  close_gate();
  submit(insert(1));
  submit([](Transaction& tx) -> Result<void> {
    (void)insert(2)(tx);
    return fail(ErrorCode::conflict, "not today");
  });
  submit(insert(3));
  submit(insert(3));  // the id is taken: SQLite refuses
  submit([](Transaction& tx) -> Result<void> {
    (void)insert(4)(tx);
    throw std::runtime_error("a defect");
  });
  submit(insert(5));
  gate_.count_down();
  executor_.run(7);
  EXPECT_THAT(outcomes(), ElementsAre(true, true, false, true, false, false, true));
  EXPECT_EQ(results_[2].error().code, ErrorCode::conflict);
  EXPECT_EQ(results_[4].error().code, ErrorCode::internal);
  EXPECT_THAT(results_[5].error().message, HasSubstr("a defect"));
  EXPECT_EQ(rows(), 3U);
}

TEST_F(WriterTest, AJobSeesWhatEarlierJobsDid) {
  start();
  close_gate();
  submit(insert(1));
  bool seen = false;
  submit([&](Transaction& tx) -> Result<void> {
    seen = VolumeTable(tx.connection()).find(test_id(1)).has_value();
    return {};
  });
  gate_.count_down();
  executor_.run(3);
  EXPECT_TRUE(seen);
}

TEST_F(WriterTest, AJobThatEndsTheTransactionFailsItsBatchAndNoMore) {
  start();
  close_gate();
  submit(insert(1));
  submit([](Transaction& tx) -> Result<void> {
    tx.connection().execute("ROLLBACK");
    return {};
  });
  gate_.count_down();
  executor_.run(3);
  EXPECT_THAT(outcomes(), ElementsAre(true, false, false));
  submit(insert(2));
  executor_.run(1);
  EXPECT_TRUE(results_.back());
  EXPECT_EQ(rows(), 1U);
}

TEST_F(WriterTest, DoneIsPostedAfterTheCommit) {
  start();
  submit(insert(1));
  submit(insert(2));
  writer_.reset();
  EXPECT_EQ(rows(), 2U);
  EXPECT_TRUE(results_.empty());
  executor_.run(2);
  EXPECT_THAT(outcomes(), ElementsAre(true, true));
}

TEST_F(WriterTest, AFullQueueAnswersOverloaded) {
  start(2);
  close_gate();
  submit(insert(1));
  submit(insert(2));
  submit(insert(3));
  executor_.run(1);
  ASSERT_EQ(results_.size(), 1U);
  ASSERT_FALSE(results_[0]);
  EXPECT_EQ(results_[0].error().code, ErrorCode::overloaded);
  gate_.count_down();
  executor_.run(3);
  EXPECT_EQ(rows(), 2U);
}

TEST_F(WriterTest, DestructionCarriesOutWhatIsQueued) {
  start();
  close_gate();
  for (unsigned n = 1; n <= 1000; ++n) submit(insert(n));
  gate_.count_down();
  writer_.reset();
  executor_.run(1001);
  EXPECT_EQ(rows(), 1000U);
}

TEST_F(WriterTest, TheInlineWriterIsDurableWhenSubmitReturns) {
  writer_ = std::make_unique<InlineWriter>(connect());
  submit(insert(1));
  EXPECT_EQ(rows(), 1U);
  EXPECT_TRUE(results_.empty());
  submit(insert(1));
  submit(insert(2));
  EXPECT_EQ(rows(), 2U);
  executor_.run(3);
  EXPECT_THAT(outcomes(), ElementsAre(true, false, true));
}

TEST_F(WriterTest, ADoneThatRunsAtOnceMayWriteAgain) {
  writer_ = std::make_unique<InlineWriter>(connect());
  DirectExecutor direct;
  int done = 0;
  writer_->submit({insert(1),
                   [&](Result<void>) {
                     ++done;
                     writer_->submit({insert(2), [&](Result<void>) { ++done; }, &direct});
                   },
                   &direct});
  EXPECT_EQ(done, 2);
  EXPECT_EQ(rows(), 2U);
}

TEST_F(WriterTest, TheLogIsFoldedIntoTheFile) {
  start();
  // 12 MiB of log, were it never folded in.
  for (unsigned n = 1; n <= 1500; ++n) {
    submit([n](Transaction& tx) -> Result<void> {
      Volume volume = test_volume(n);
      volume.reason = std::string(8000, 'x');
      VolumeTable(tx.connection()).insert(volume, {});
      return {};
    });
    executor_.run(1);
  }
  EXPECT_GT(std::filesystem::file_size(path()), 4U << 20);
  EXPECT_LT(std::filesystem::file_size(path() + "-wal"), 8U << 20);
}

}  // namespace
}  // namespace vbs::db::testing
