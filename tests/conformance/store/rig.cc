#include "tests/conformance/store/rig.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <utility>

#include "common/file.h"
#include "common/process.h"
#include "common/random.h"

namespace vbs::conformance {
namespace {

/// lvm in an emulated guest on a busy machine needs half a minute a command.
constexpr std::chrono::seconds kLimit{600};

std::string environment(const char* name, const std::string& fallback) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : fallback;
}

struct Free {
  void operator()(char* memory) const { std::free(memory); }
};
using Buffer = std::unique_ptr<char, Free>;
Buffer aligned(std::size_t size) {
  return Buffer(static_cast<char*>(std::aligned_alloc(4096, size)));
}

/// Past the page cache where the file system can.
FileDescriptor open_direct(const std::string& path, int flags) {
  FileDescriptor fd(::open(path.c_str(), flags | O_DIRECT | O_CLOEXEC));
  return fd ? std::move(fd) : FileDescriptor(::open(path.c_str(), flags | O_CLOEXEC));
}

void fill(char* data, std::size_t size, unsigned seed) {
  std::uint64_t state = seed * 0x9e3779b97f4a7c15ULL + 1;
  for (std::size_t at = 0; at < size; at += sizeof(state)) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    std::memcpy(data + at, &state, sizeof(state));
  }
}

Buffer read_device(const std::string& path, std::uint64_t offset, std::uint64_t size,
                   std::string& wrong) {
  auto buffer = aligned(size);
  const auto fd = open_direct(path, O_RDONLY);
  const ssize_t got = fd ? ::pread(fd.get(), buffer.get(), size, static_cast<off_t>(offset)) : -1;
  if (got != static_cast<ssize_t>(size)) {
    wrong = path + ": read " + std::to_string(got) + ": " + errno_text(errno);
  }
  return buffer;
}

Uuid uuid_of(const std::string& text) {
  return Uuid::parse(text).value_or(Uuid());
}

}  // namespace

Target Target::from_environment() {
  Target target;
  target.driver = environment("VBS_CONFORMANCE_DRIVER", "file");
  target.folder = environment("VBS_CONFORMANCE_FOLDER", "");
  target.group = environment("VBS_CONFORMANCE_GROUP", "");
  target.pool = environment("VBS_CONFORMANCE_POOL", "pool");
  target.wipe_rate = std::stoull(environment("VBS_CONFORMANCE_WIPE_RATE", "1000000000"));
  target.cycles = std::stoi(environment("VBS_CONFORMANCE_CYCLES", target.is_lvm() ? "10" : "1000"));
  return target;
}

StoreSettings Target::settings() const {
  if (driver == "file") {
    volume_delegate::FileStoreOptions options;
    options.folder = folder;
    return options;
  }
  volume_delegate::LvmOptions lvm;
  lvm.group = group;
  lvm.wipe_bytes_per_second = wipe_rate;
  lvm.copy_bytes_per_second = 1'000'000'000;
  if (driver == "lvm") {
    volume_delegate::SnapshotRoom room;
    room.least_bytes = 8 * kMiB;
    return volume_delegate::LvmThickOptions{lvm, room};
  }
  volume_delegate::ThinPoolOptions pool_options;
  pool_options.name = pool;
  pool_options.size_bytes = 512 * kMiB;
  return volume_delegate::LvmThinOptions{lvm, pool_options};
}

void StoreTest::SetUp() {
  reopen();
  settle();
  auto listing = store_->list();
  ASSERT_EQ("", trouble(listing));
  ASSERT_TRUE(listing->volumes.empty() && listing->snapshots.empty()) << "the store is not empty";
}

void StoreTest::TearDown() {
  if (!store_) reopen();
  auto listing = store_->list();
  ASSERT_EQ("", trouble(listing));
  for (const auto& snapshot : listing->snapshots) EXPECT_EQ("", remove(snapshot_of(snapshot.id)));
  for (const auto& held : listing->volumes) EXPECT_EQ("", remove(volume(held.id)));
  settle();
  close();
}

void StoreTest::reopen() {
  close();
  auto opened = volume_delegate::make_store(target().settings(), clock_);
  ASSERT_EQ("", trouble(opened));
  store_ = std::move(*opened);
}

void StoreTest::settle() {
  const auto end = std::chrono::steady_clock::now() + kLimit;
  while (true) {
    clock_.skip(std::chrono::hours(1));
    store_->tend();
    auto listing = store_->list();
    auto space = store_->space();
    ASSERT_EQ("", trouble(listing));
    ASSERT_EQ("", trouble(space));
    std::uint64_t held = 0;
    for (const auto& object : listing->volumes) held += object.size_bytes;
    for (const auto& object : listing->snapshots) held += object.size_bytes;
    // What is half-made or half-gone is listed as nothing, and yet takes space.
    if (held > 0 || space->reserved_bytes == 0) return;
    ASSERT_LT(std::chrono::steady_clock::now(), end) << "something is left half-made";
    std::this_thread::sleep_for(Milliseconds(200));
  }
}

Uuid StoreTest::fresh() {
  static SystemRandom random;
  return Uuid::generate(clock_, random);
}

std::string StoreTest::run(const Prepare& prepare) {
  const auto end = std::chrono::steady_clock::now() + kLimit;
  auto prepared = prepare();
  while (!prepared && is_transient(prepared.error().code) &&
         std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(Milliseconds(200));
    prepared = prepare();
  }
  if (!prepared) return describe(prepared.error());
  CopyControl control;
  return trouble((*prepared)->run(control));
}

std::string StoreTest::create(const Uuid& id, std::uint64_t size_bytes) {
  return run([&] { return store_->prepare_empty(id, size_bytes); });
}
std::string StoreTest::copy(const Uuid& id, std::uint64_t size_bytes, const ObjectRef& source) {
  return run([&] { return store_->prepare_volume(id, size_bytes, source); });
}
std::string StoreTest::snapshot(const Uuid& id, const Uuid& of) {
  return run([&] { return store_->prepare_snapshot(id, of); });
}

std::string StoreTest::grow(const Uuid& id, std::uint64_t size_bytes) {
  const auto end = std::chrono::steady_clock::now() + kLimit;
  while (std::chrono::steady_clock::now() < end) {
    auto growth = store_->grow_volume(id, size_bytes);
    if (!growth && !is_transient(growth.error().code)) return describe(growth.error());
    if (growth && growth->done) return "";
    if (growth) {
      EXPECT_EQ(size_bytes, growth->size_bytes);
      EXPECT_LE(growth->ready_bytes, size_bytes);
    }
    std::this_thread::sleep_for(Milliseconds(100));
  }
  return "it has not grown in time";
}

std::string StoreTest::remove(const ObjectRef& object) {
  const auto end = std::chrono::steady_clock::now() + kLimit;
  while (std::chrono::steady_clock::now() < end) {
    auto removal = object.kind == ObjectKind::volume ? store_->remove_volume(object.id)
                                                     : store_->remove_snapshot(object.id);
    if (!removal && !is_transient(removal.error().code)) return describe(removal.error());
    if (removal && removal->gone) return "";
    std::this_thread::sleep_for(Milliseconds(100));
  }
  return "it is not gone in time";
}

void StoreTest::write(const Uuid& id, std::uint64_t offset, std::uint64_t size, unsigned seed) {
  const std::string path = store_->device(id);
  auto buffer = aligned(size);
  fill(buffer.get(), size, seed);
  const auto fd = open_direct(path, O_WRONLY);
  ASSERT_TRUE(fd) << path << ": " << errno_text(errno);
  ASSERT_EQ(static_cast<ssize_t>(size),
            ::pwrite(fd.get(), buffer.get(), size, static_cast<off_t>(offset)))
      << errno_text(errno);
  ASSERT_EQ(0, ::fsync(fd.get()));
}

::testing::AssertionResult StoreTest::holds(const Uuid& id, std::uint64_t offset,
                                            std::uint64_t size, unsigned seed) {
  std::string wrong;
  const auto found = read_device(store_->device(id), offset, size, wrong);
  if (!wrong.empty()) return ::testing::AssertionFailure() << wrong;
  auto wanted = aligned(size);
  fill(wanted.get(), size, seed);
  if (std::memcmp(found.get(), wanted.get(), size) == 0) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "other bytes at " << offset;
}

::testing::AssertionResult StoreTest::is_zero(const Uuid& id, std::uint64_t offset,
                                              std::uint64_t size) {
  std::string wrong;
  for (std::uint64_t at = offset; at < offset + size; at += kMiB) {
    const auto found = read_device(store_->device(id), at, kMiB, wrong);
    if (!wrong.empty()) return ::testing::AssertionFailure() << wrong;
    if (found.get()[0] == 0 && std::memcmp(found.get(), found.get() + 1, kMiB - 1) == 0) continue;
    return ::testing::AssertionFailure() << "not zero in the MiB from " << at;
  }
  return ::testing::AssertionSuccess();
}

bool StoreTest::has(const ObjectRef& object) {
  auto listing = store_->list();
  EXPECT_EQ("", trouble(listing));
  if (!listing) return false;
  const auto is_it = [&](const auto& held) { return held.id == object.id; };
  return object.kind == ObjectKind::volume
             ? std::any_of(listing->volumes.begin(), listing->volumes.end(), is_it)
             : std::any_of(listing->snapshots.begin(), listing->snapshots.end(), is_it);
}

std::uint64_t StoreTest::reserved() {
  auto space = store_->space();
  EXPECT_EQ("", trouble(space));
  return space ? space->reserved_bytes : 0;
}

bool StoreTest::killed_at(const std::string& point, const std::vector<std::string>& arguments) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::setenv("VBS_FAULT", (point + "=kill").c_str(), 1);
    std::vector<char*> argv{const_cast<char*>("store_conformance"), const_cast<char*>("--act")};
    for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    ::execv("/proc/self/exe", argv.data());
    ::_exit(127);
  }
  int status = 0;
  EXPECT_EQ(child, ::waitpid(child, &status, 0));
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

int act(const std::vector<std::string>& arguments) {
  SystemClock clock;
  auto store = volume_delegate::make_store(target().settings(), clock);
  if (!store || arguments.size() < 3) return 2;
  const std::string& what = arguments[0];
  const Uuid id = uuid_of(arguments[1]);
  const auto run = [](Result<std::unique_ptr<PreparedCopy>> prepared) {
    CopyControl control;
    return prepared && (*prepared)->run(control) ? 0 : 1;
  };
  if (what == "create") return run((*store)->prepare_empty(id, std::stoull(arguments[2])));
  if (what == "snapshot") return run((*store)->prepare_snapshot(id, uuid_of(arguments[2])));
  if (what == "grow") {
    for (int i = 0; i < 300; ++i) {
      auto growth = (*store)->grow_volume(id, std::stoull(arguments[2]));
      if (!growth) return 1;
      if (growth->done) return 0;
      std::this_thread::sleep_for(Milliseconds(100));
    }
    return 1;
  }
  if (what == "copy") {
    return run((*store)->prepare_volume(id, std::stoull(arguments[2]),
                                        snapshot_of(uuid_of(arguments[3]))));
  }
  if (what != "remove") return 2;
  for (int i = 0; i < 300; ++i) {
    auto removal =
        arguments[2] == "snapshot" ? (*store)->remove_snapshot(id) : (*store)->remove_volume(id);
    if (!removal) return 1;
    if (removal->gone) return 0;
    std::this_thread::sleep_for(Milliseconds(100));
  }
  return 1;
}

std::optional<std::string> tool(const std::string& name, std::vector<std::string> arguments) {
  const auto program = process::find_program(name, name);
  if (!program) return std::nullopt;
  process::Command command;
  command.argv = {*program};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  const auto outcome = process::run(command);
  if (!outcome || outcome->exit_code != 0) return std::nullopt;
  return outcome->out;
}

}  // namespace vbs::conformance
