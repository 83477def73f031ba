#include <fstream>

#include "tests/unit/db/process_support.h"

namespace vbs::db::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::size_t kPage = 4096;
constexpr unsigned kRows = 200;

std::string slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void spit(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

/// One volume with its usage and an ended operation in one transaction.
Result<void> write_volume(Database& database, unsigned n) {
  return write_and_wait(database, [n](Transaction& tx) -> Result<void> {
    Volume volume = test_volume(n);
    volume.name = "volume " + std::to_string(n);
    VolumeTable(tx.connection()).insert(volume, {});
    Operation operation = test_operation(0x1000 + n);
    if (auto ok = begin_recorded(tx, operation, {{volume_resource(volume.id)}}); !ok) return ok;
    if (auto ok = end_operation(tx, operation.seq, OperationState::succeeded, kNow); !ok) return ok;
    return UsageTable(tx.connection())
        .reserve(volume.project, volume.node, {1, 0, volume.size_bytes}, {});
  });
}

class DamageTest : public ::testing::Test {
 protected:
  std::string path() const { return directory_.file("vbs.db"); }

  /// What opening this file says; "" when it opens.
  std::string open_message(const std::string& bytes) {
    spit(path(), bytes);
    std::filesystem::remove(path() + "-wal");
    std::filesystem::remove(path() + "-shm");
    auto opened = Database::open(options_for(path()));
    if (opened) return "";
    EXPECT_EQ(opened.error().code, ErrorCode::database_unavailable);
    return opened.error().message;
  }
  bool holds_all_rows() {
    auto database = Database::open(options_for(path()));
    if (!database) return false;
    auto complete = (*database)->read([](Connection& connection) {
      return VolumeTable(connection).list({}).size() == kRows &&
             OperationTable(connection).list({}).size() == kRows &&
             check_invariants(connection).empty();
    });
    return complete && *complete;
  }
  std::string healthy_file() {
    auto database = Database::open(options_for(path()));
    for (unsigned n = 1; n <= kRows; ++n) EXPECT_TRUE(write_volume(**database, n));
    database->reset();
    return slurp(path());
  }

  TemporaryDirectory directory_;
};

TEST_F(DamageTest, GarbageIsNoDatabase) {
  EXPECT_THAT(open_message(std::string(3 * kPage, 'x')), HasSubstr("no database of this service"));
}

TEST_F(DamageTest, AFileCutShortIsDamaged) {
  const std::string healthy = healthy_file();
  EXPECT_THAT(open_message(healthy.substr(0, healthy.size() - 3 * kPage)),
              HasSubstr("restore the last backup"));
  EXPECT_EQ(open_message(healthy), "");
}

TEST_F(DamageTest, EveryOverwrittenPageIsFound) {
  const std::string healthy = healthy_file();
  ASSERT_EQ(healthy.size() % kPage, 0U);
  const std::string patterns[] = {std::string(kPage, '\xa5'), std::string(kPage, '\0'),
                                  std::string(kPage, '\xff')};
  for (std::size_t page = 0; page < healthy.size() / kPage; ++page) {
    for (const auto& pattern : patterns) {
      std::string damaged = healthy;
      damaged.replace(page * kPage, kPage, pattern);
      EXPECT_NE(open_message(damaged), "") << "page " << page + 1;
    }
  }
}

// As a write that went to the wrong place leaves it: every page is well-formed by itself.
TEST_F(DamageTest, EveryPageThatHoldsAnothersContentIsFound) {
  const std::string healthy = healthy_file();
  const std::size_t pages = healthy.size() / kPage;
  for (std::size_t page = 1; page + 1 < pages; ++page) {
    const std::string other = healthy.substr((page + 1) * kPage, kPage);
    std::string damaged = healthy;
    damaged.replace(page * kPage, kPage, other);
    if (open_message(damaged).empty()) {
      EXPECT_TRUE(holds_all_rows()) << "page " << page + 1;  // one empty index for another
    }
  }
}

TEST_F(DamageTest, ALogCutAnywhereLosesOnlyItsEnd) {
  constexpr unsigned kLogged = 12;
  ChildProcess writer([this](int, int to_parent) {
    auto database = Database::open(options_for(path()));
    for (unsigned n = 1; n <= kLogged; ++n) {
      if (!write_volume(**database, n)) _exit(1);
    }
    say(to_parent, "w");
    _exit(0);  // leaves the log as it is
  });
  ASSERT_EQ(writer.hear_all(), "w");
  const std::string file = slurp(path());
  const std::string log = slurp(path() + "-wal");
  ASSERT_GT(log.size(), 0U);
  const std::string cut = directory_.file("cut.db");
  std::size_t rows_before = 0;
  for (std::size_t length = 0; length <= log.size(); length += 30'011) {
    spit(cut, file);
    spit(cut + "-wal", log.substr(0, length));
    auto database = Database::open(options_for(cut));
    ASSERT_TRUE(database) << length << ": " << database.error().message;
    auto volumes = (*database)->read([](Connection& c) { return VolumeTable(c).list({}); });
    for (std::size_t i = 0; i < volumes->size(); ++i) {
      EXPECT_EQ((*volumes)[i].id, test_id(static_cast<unsigned>(i) + 1));
    }
    EXPECT_GE(volumes->size(), rows_before);
    rows_before = volumes->size();
    EXPECT_THAT(*(*database)->read(check_invariants), IsEmpty());
  }
  EXPECT_GE(rows_before, kLogged - 1);
}

}  // namespace
}  // namespace vbs::db::testing
