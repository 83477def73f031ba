#include <thread>

#include "tests/unit/db/process_support.h"

namespace vbs::db::testing {
namespace {

constexpr unsigned kClients = 8;

/// One whole intent: volume, usage, operation, lock.
Database::Job intent(unsigned n) {
  return [n](Transaction& tx) -> Result<void> {
    Volume volume = test_volume(n);
    volume.state = VolumeState::error;
    volume.reason = "not finished";
    VolumeTable(tx.connection()).insert(volume, {});
    Operation operation = test_operation(0x100000 + n);
    operation.volume = volume.id;
    if (auto ok = begin_recorded(tx, operation, {{volume_resource(volume.id)}}); !ok) return ok;
    return UsageTable(tx.connection())
        .reserve(volume.project, volume.node, {1, 0, volume.size_bytes}, {});
  };
}

/// In a child: clients write without end; each durable intent is told to the parent as a number.
void write_without_end(const std::string& path, unsigned first, int to_parent) {
  auto database = Database::open(options_for(path, WriteMode::threaded));
  if (!database) _exit(2);
  std::vector<std::thread> clients;
  for (unsigned client = 0; client < kClients; ++client) {
    clients.emplace_back([&, client] {
      for (unsigned n = first + client;; n += kClients) {
        if (!write_and_wait(**database, intent(n))) _exit(3);
        say(to_parent, std::string(reinterpret_cast<const char*>(&n), sizeof(n)));
      }
    });
  }
  for (auto& client : clients) client.join();
}

std::vector<unsigned> numbers_in(const std::string& bytes) {
  std::vector<unsigned> numbers(bytes.size() / sizeof(unsigned));
  std::copy_n(bytes.data(), numbers.size() * sizeof(unsigned),
              reinterpret_cast<char*>(numbers.data()));
  return numbers;
}

TEST(Crash, AKillInMidWriteLosesNothingAcknowledged) {
  TemporaryDirectory directory;
  const std::string path = directory.file("vbs.db");
  std::vector<unsigned> acknowledged;
  for (unsigned round = 0; round < 8; ++round) {
    ChildProcess child(
        [&](int, int to_parent) { write_without_end(path, 1 + round * 0x10000, to_parent); });
    std::string bytes;
    const std::size_t enough = (20 + 37 * round) * sizeof(unsigned);
    while (bytes.size() < enough) {
      const std::string part = child.hear_some();
      ASSERT_FALSE(part.empty()) << "the child ended by itself";
      bytes += part;
    }
    child.kill_now();
    bytes += child.hear_all();
    for (unsigned n : numbers_in(bytes)) acknowledged.push_back(n);

    auto database = Database::open(options_for(path));
    ASSERT_TRUE(database) << database.error().message;
    auto lost = (*database)->read([&](Connection& connection) {
      std::vector<unsigned> missing;
      for (unsigned n : acknowledged) {
        if (!VolumeTable(connection).find(test_id(n))) missing.push_back(n);
      }
      return missing;
    });
    EXPECT_THAT(*lost, ::testing::IsEmpty());
    EXPECT_THAT(*(*database)->read(check_invariants), ::testing::IsEmpty());
  }
}

}  // namespace
}  // namespace vbs::db::testing
