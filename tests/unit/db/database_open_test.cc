#include <sys/stat.h>

#include <fstream>

#include "tests/unit/db/process_support.h"

namespace vbs::db::testing {
namespace {

using ::testing::HasSubstr;

class DatabaseOpenTest : public ::testing::Test {
 protected:
  std::string path() const { return directory_.file("vbs.db"); }

  /// The message of an open that must fail as unavailable.
  std::string refusal(const std::string& path) {
    auto opened = Database::open(options_for(path));
    if (opened) return "it was opened";
    EXPECT_EQ(opened.error().code, ErrorCode::database_unavailable);
    return opened.error().message;
  }
  void make_database() {
    auto opened = Database::open(options_for(path()));
    ASSERT_TRUE(opened) << opened.error().message;
  }
  static unsigned mode_of(const std::string& path) {
    struct stat status {};
    EXPECT_EQ(stat(path.c_str(), &status), 0) << path;
    return status.st_mode & 07777;
  }

  TemporaryDirectory directory_;
};

TEST_F(DatabaseOpenTest, FilesAreTheOwnersOnly) {
  auto opened = Database::open(options_for(path()));
  ASSERT_TRUE(opened) << opened.error().message;
  ASSERT_TRUE(write_and_wait(**opened, [](Transaction& tx) -> Result<void> {
    Volume volume = test_volume(1);
    VolumeTable(tx.connection()).insert(volume, {});
    return {};
  }));
  for (const char* suffix : {"", "-wal", "-shm", ".lock"}) {
    EXPECT_EQ(mode_of(path() + suffix), 0600U) << suffix;
  }
  EXPECT_GT((*opened)->file_bytes(), 0);
}

TEST_F(DatabaseOpenTest, OthersRightsAreTakenAway) {
  make_database();
  ASSERT_EQ(chmod(path().c_str(), 0644), 0);
  make_database();
  EXPECT_EQ(mode_of(path()), 0600U);
}

TEST_F(DatabaseOpenTest, ADirectoryThatIsNoneIsNamed) {
  EXPECT_THAT(refusal(directory_.file("absent/vbs.db")), HasSubstr(directory_.file("absent")));
  std::ofstream(directory_.file("file")) << "x";
  EXPECT_THAT(refusal(directory_.file("file/vbs.db")), HasSubstr("irectory"));
  EXPECT_THAT(refusal(directory_.path()), HasSubstr("is not a file"));
}

TEST_F(DatabaseOpenTest, ASecondOpenIsRefusedWithTheHoldersPid) {
  ChildProcess holder([this](int from_parent, int to_parent) {
    auto opened = Database::open(options_for(path()));
    say(to_parent, opened ? "y" : "n");
    wait_for_parent(from_parent);
    opened->reset();
    say(to_parent, "z");
  });
  ASSERT_EQ(holder.hear(), 'y');
  const std::string message = refusal(path());
  EXPECT_THAT(message, HasSubstr("in use by another process"));
  EXPECT_THAT(message, HasSubstr("pid " + std::to_string(holder.pid())));
  holder.tell('c');
  ASSERT_EQ(holder.hear(), 'z');
  make_database();
}

TEST_F(DatabaseOpenTest, AKilledHolderHoldsNothing) {
  ChildProcess holder([this](int from_parent, int to_parent) {
    auto opened = Database::open(options_for(path(), WriteMode::threaded));
    say(to_parent, opened ? "y" : "n");
    wait_for_parent(from_parent);
  });
  ASSERT_EQ(holder.hear(), 'y');
  holder.kill_now();
  make_database();
}

TEST_F(DatabaseOpenTest, TheSameProcessCannotOpenItTwice) {
  auto opened = Database::open(options_for(path()));
  ASSERT_TRUE(opened);
  EXPECT_THAT(refusal(path()), HasSubstr("in use"));
}

TEST_F(DatabaseOpenTest, AnExclusiveLockOfAnotherProgramIsExplained) {
  make_database();
  Connection shell(path(), Connection::Mode::writer);
  shell.execute("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  EXPECT_THAT(refusal(path()), HasSubstr("another program holds a lock"));
}

TEST_F(DatabaseOpenTest, AWriterOfAnotherProgramDelaysOnlyWrites) {
  auto opened = Database::open(options_for(path()));
  ASSERT_TRUE(opened);
  const auto nothing = [](Transaction&) -> Result<void> { return {}; };
  {
    Connection shell(path(), Connection::Mode::writer);
    shell.execute("BEGIN IMMEDIATE");
    auto refused = write_and_wait(**opened, nothing);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::database_unavailable);
    EXPECT_THAT(refused.error().message, HasSubstr("another program holds a lock"));
    EXPECT_TRUE((*opened)->read([](Connection& c) { return VolumeTable(c).list({}).size(); }));
  }
  EXPECT_TRUE(write_and_wait(**opened, nothing));
}

/// What a user without rights is told; the files belong to that user or to root as the case needs.
class UnprivilegedOpenTest : public DatabaseOpenTest {
 protected:
  static constexpr uid_t kNobody = 65534;

  std::string refusal_as_nobody() {
    ChildProcess child([this](int, int to_parent) {
      if (geteuid() == 0 && (setresgid(kNobody, kNobody, kNobody) != 0 ||
                             setresuid(kNobody, kNobody, kNobody) != 0)) {
        _exit(1);
      }
      say(to_parent, refusal(path()));
    });
    return child.hear_all();
  }
  void give_to_nobody(const std::string& path, mode_t mode) {
    ASSERT_EQ(chmod(path.c_str(), mode), 0);
    if (geteuid() != 0) return;
    ASSERT_EQ(chown(path.c_str(), kNobody, kNobody), 0);
  }
};

TEST_F(UnprivilegedOpenTest, AReadOnlyDirectoryIsExplained) {
  give_to_nobody(directory_.path(), 0500);
  EXPECT_THAT(refusal_as_nobody(), HasSubstr("must be able to write in this directory"));
}

TEST_F(UnprivilegedOpenTest, AReadOnlyFileIsExplained) {
  make_database();
  give_to_nobody(directory_.path(), 0700);
  give_to_nobody(path() + ".lock", 0600);
  give_to_nobody(path(), 0400);
  EXPECT_THAT(refusal_as_nobody(), HasSubstr("cannot be read and written"));
}

}  // namespace
}  // namespace vbs::db::testing
