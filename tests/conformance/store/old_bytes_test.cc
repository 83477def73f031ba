// Nobody sees what was another's: in many cycles somebody's volume is written full, then removed,
// imaged, copied or made larger, and that goes well, fails or is killed at a moment of it; then
// another volume is made, and every sector of every volume is looked at for a stamp that is not its
// owner's.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <map>
#include <random>
#include <set>

#include "common/file.h"
#include "tests/conformance/store/rig.h"
#include "tests/fakes/file_size_limit.h"

namespace vbs::conformance {
namespace {

constexpr std::size_t kSector = 512;
constexpr std::size_t kStamp = 36;  // an id as text
constexpr std::size_t kMostVolumes = 3;
constexpr std::uint64_t kMostBytes = 3 * kMiB;

class OldBytesTest : public StoreTest {
 protected:
  enum class Course { well, fails, killed };

  std::uint64_t chance(std::uint64_t below) { return random_() % below; }
  std::uint64_t some_size() { return (1 + chance(2)) * kMiB; }
  Course some_course() {
    const auto drawn = chance(8);
    return drawn == 0 ? Course::killed : drawn <= 2 ? Course::fails : Course::well;
  }
  /// They take turns in each kind of act: of those that it passes, some are rare.
  const std::string& next_point(const std::string& act) {
    const auto& all = points();
    return all[turns_[act]++ % all.size()];
  }
  /// Of this driver, in all that it does.
  static const std::vector<std::string>& points() {
    static const std::map<std::string, std::vector<std::string>> of_driver{
        {"file",
         {"volumed.copy.before_act", "volumed.copy.during", "volumed.copy.after_act",
          "volumed.store.before_rename", "volumed.store.after_rename", "volumed.store.after_unlink",
          "volumed.grow.before_act", "volumed.grow.after_act"}},
        {"lvm",
         {"volumed.copy.before_act", "volumed.copy.after_create", "volumed.copy.during",
          "volumed.copy.after_act", "volumed.zero.during", "volumed.grow.after_create",
          "volumed.grow.before_act", "volumed.lvm.in_one_go", "volumed.grow.after_act",
          "volumed.wipe.after_mark", "volumed.wipe.before_act", "volumed.wipe.after_act",
          "volumed.wipe.after_record"}},
        {"lvm-thin",
         {"volumed.copy.before_act", "volumed.copy.after_create", "volumed.copy.after_act",
          "volumed.grow.before_act", "volumed.grow.after_act", "volumed.remove.before_act",
          "volumed.remove.after_act"}}};
    return of_driver.at(target().driver);
  }

  /// In a process of its own that dies where it first passes one of the driver's points, or not at
  /// all.
  void die_in(const std::vector<std::string>& arguments) {
    close();
    const std::string& point = next_point(arguments.front());
    if (killed_at(point, arguments)) ++deaths_[point];
    reopen();
    settle();
  }

  /// Every sector with its owner's id.
  void stamp(const Uuid& id) {
    const std::string path = store_->device(id);
    std::string& bytes = bytes_;
    bytes.assign(store_->find_volume(id)->size_bytes, '\0');
    for (std::size_t at = 0; at < bytes.size(); at += kSector) bytes.replace(at, kStamp, id.str());
    const FileDescriptor fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_EQ(static_cast<ssize_t>(bytes.size()),
              ::pwrite(fd.get(), bytes.data(), bytes.size(), 0));
    ASSERT_EQ(0, ::fsync(fd.get()));
  }

  /// Every sector of a volume is zero or stamped by who may be seen there.
  void scan(const Uuid& id) {
    const std::string path = store_->device(id);
    std::string& bytes = bytes_;
    bytes.resize(store_->find_volume(id)->size_bytes);
    const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    // What the cache holds of a device may be older than what somebody wrote past it.
    if (target().is_lvm()) ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED);
    ASSERT_EQ(static_cast<ssize_t>(bytes.size()), ::pread(fd.get(), bytes.data(), bytes.size(), 0));
    static const std::string zeros(kSector, '\0');
    for (std::size_t at = 0; at < bytes.size(); at += kSector) {
      ++sectors_;
      if (std::memcmp(bytes.data() + at, zeros.data(), kSector) == 0) continue;
      if (!seen_in_[id].contains(bytes.substr(at, kStamp))) ++foreign_;
    }
  }

  /// Not known to be there: it may have failed.
  void note_if_there(const Uuid& id, std::set<std::string> seen) {
    if (!store_->find_volume(id)) return;
    seen.insert(id.str());
    seen_in_[id] = std::move(seen);
    made_.insert(id);
  }

  void make(Course course) {
    const Uuid id = fresh();
    const std::uint64_t size = some_size();
    if (course == Course::killed) die_in({"create", id.str(), std::to_string(size)});
    // After a death the same order comes again.
    if (!has(volume(id))) finish(course, store_->prepare_empty(id, size));
    note_if_there(id, {});
  }
  void finish(Course course, Result<std::unique_ptr<PreparedCopy>> prepared) {
    if (!prepared) return;
    CopyControl control;
    control.cancelled = course == Course::fails;
    const auto limit = full_disk(course);
    (void)(*prepared)->run(control);
  }
  /// For who writes files.
  static std::optional<fakes::FileSizeLimit> full_disk(Course course) {
    const bool full = course == Course::fails && !target().is_lvm();
    return full ? std::optional<fakes::FileSizeLimit>(kMiB / 2) : std::nullopt;
  }
  void drop(const Uuid& id, Course course) {
    if (course == Course::killed) die_in({"remove", id.str(), "volume"});
    if (course == Course::fails) fail_to_drop(id);
    EXPECT_EQ("", remove(volume(id)));
    seen_in_.erase(id);
  }
  void enlarge(const Uuid& id, Course course) {
    const std::uint64_t size = store_->find_volume(id)->size_bytes + kMiB;
    made_.insert(id);
    if (course == Course::killed) return die_in({"grow", id.str(), std::to_string(size)});
    if (course == Course::fails) return fail_to_enlarge(id, size);
    EXPECT_EQ("", grow(id, size));
  }
  /// A file that cannot be removed wholly; elsewhere the wiping is cut short, as when the program
  /// is stopped.
  void fail_to_drop(const Uuid& id) {
    if (target().is_lvm()) {
      EXPECT_EQ("", trouble(store_->remove_volume(id)));
      return reopen();
    }
    std::filesystem::path source(store_->device(id));
    source.replace_extension(".source");
    std::filesystem::remove(source);
    std::filesystem::create_directory(source);
    EXPECT_EQ(ErrorCode::internal, code_of(store_->remove_volume(id)));
    std::filesystem::remove(source);
  }
  /// The disk is full; elsewhere the zeroing is cut short, and goes on.
  void fail_to_enlarge(const Uuid& id, std::uint64_t size) {
    const auto limit = full_disk(Course::fails);
    const auto growth = store_->grow_volume(id, size);
    if (limit) {
      EXPECT_EQ(ErrorCode::insufficient_space, code_of(growth));
      return;
    }
    EXPECT_EQ("", trouble(growth));
    reopen();
    EXPECT_EQ("", grow(id, size));
  }
  /// An image, and a volume made of it.
  void image_and_copy(const Uuid& id, Course course) {
    const Uuid image = fresh();
    const Uuid copied = fresh();
    const std::uint64_t size = store_->find_volume(id)->size_bytes + kMiB;
    if (chance(4) == 0) {
      die_in({"snapshot", image.str(), id.str()});
    } else {
      EXPECT_EQ("", snapshot(image, id));
    }
    if (!has(snapshot_of(image))) return;
    if (course == Course::killed) {
      die_in({"copy", copied.str(), std::to_string(size), image.str()});
    }
    if (!has(volume(copied))) {
      finish(course, store_->prepare_volume(copied, size, snapshot_of(image)));
    }
    note_if_there(copied, seen_in_[id]);
    if (chance(4) == 0) die_in({"remove", image.str(), "snapshot"});
    EXPECT_EQ("", remove(snapshot_of(image)));
  }

  void one_cycle() {
    if (seen_in_.empty()) make(Course::well);
    auto chosen = seen_in_.begin();
    std::advance(chosen, chance(seen_in_.size()));
    const Uuid id = chosen->first;
    stamp(id);
    seen_in_[id] = {id.str()};
    const auto act = chance(4);
    if (act == 0) enlarge(id, some_course());
    if (act == 1) image_and_copy(id, some_course());
    const bool too_much =
        seen_in_.size() > kMostVolumes || store_->find_volume(id)->size_bytes > kMostBytes;
    if (act >= 2 || too_much) drop(id, some_course());
    make(some_course());
    // What is new may have old bytes; in what is old they could only come later.
    const bool all = chance(8) == 0;
    for (const auto& entry : std::map(seen_in_)) {
      if (all || made_.contains(entry.first)) scan(entry.first);
    }
    made_.clear();
  }

  std::mt19937_64 random_{20};
  std::map<Uuid, std::set<std::string>> seen_in_;  ///< by volume: whose stamps may be in it
  std::set<Uuid> made_;                            ///< in this cycle
  std::string bytes_;  ///< one buffer for all: new ones would cost most of the time
  std::uint64_t sectors_ = 0, foreign_ = 0;
  std::map<std::string, std::size_t> turns_;  ///< by act
  std::map<std::string, int> deaths_;         ///< by point
};

TEST_F(OldBytesTest, NoSectorOfAnotherIsSeen) {
  const int cycles = target().cycles;
  for (int cycle = 1; cycle <= cycles && !HasFailure(); ++cycle) {
    ASSERT_NO_FATAL_FAILURE(one_cycle()) << cycle;
    EXPECT_EQ(0u, foreign_) << "in cycle " << cycle;
    // In the lab a cycle takes seconds.
    if (cycle % std::max(1, cycles / 10) == 0) std::cout << "cycle " << cycle << std::endl;
  }
  int deaths = 0;
  for (const std::string& point : points()) {
    std::cout << point << ": " << deaths_[point] << " deaths\n";
    // Of a hundred cycles, as in the lab, a point may have none.
    if (cycles >= 1'000) {
      EXPECT_GT(deaths_[point], 0) << point;
    }
    deaths += deaths_[point];
  }
  std::cout << cycles << " cycles, " << deaths << " deaths, " << sectors_ << " sectors, "
            << foreign_ << " of them foreign\n";
  EXPECT_GE(deaths, cycles / 50);  // ten cycles may have none
}

}  // namespace
}  // namespace vbs::conformance
