// What an initiator sees of exports: a real tgtd, and libiscsi as the initiator.

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>

#include <atomic>
#include <set>
#include <thread>

#include "common/process.h"
#include "common/units.h"
#include "tests/fakes/memory_records.h"
#include "tests/unit/volume_delegate/iscsi_support.h"
#include "tests/unit/volume_delegate/store_support.h"
#include "tests/unit/volume_delegate/tgt_support.h"
#include "volume_delegate/target/tgt/tgt_report.h"
#include "volume_delegate/volume_server.h"

// libiscsi 1.19 loses a few bytes itself when the target closes a connection.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libiscsi.so";
}

namespace vbs::volume_delegate {
namespace {

using testing::eventually;
using testing::failed_with;
using testing::id;
using testing::Initiator;
using testing::trouble;

constexpr std::uint64_t kVolumeSize = 16 * kMiB;

/// ExportService over a real store and a real tgtd; `service_` may be thrown away and made anew.
class TgtSessionTest : public testing::TgtTest {
 protected:
  void SetUp() override {
    TgtTest::SetUp();
    if (IsSkipped()) return;
    ::signal(SIGPIPE, SIG_IGN);  // as every program does whose initiator's target may die
    FileStoreOptions store;
    store.folder = dir_.path();
    store_ = testing::open_store(store);
    driver_ = start();
    records_ = std::move(*ExportRecords::load(folder_));
    service_ = std::make_unique<ExportService>(
        ExportParts{*store_, *driver_, *records_, copies_, locks_, clock_, "iqn.2026-01.vbs"});
    ASSERT_EQ("", trouble(store_->create_volume(id(1), kVolumeSize)));
    ASSERT_EQ("", trouble(store_->create_volume(id(2), kVolumeSize)));
  }

  static wire::ExportSpec order(unsigned volume = 1) {
    wire::ExportSpec spec;
    spec.volume = id(volume);
    spec.initiator = "iqn.2026-01.host:1";
    spec.chap_user = "user" + std::to_string(volume);
    spec.chap_secret = Secret("secretsecret12");
    spec.generation = 2;
    return spec;
  }
  Initiator::Login login(unsigned attachment, unsigned volume = 1) const {
    Initiator::Login out;
    out.portal = options_.portal.str();
    out.iqn = "iqn.2026-01.vbs:" + id(attachment).str();
    out.user = "user" + std::to_string(volume);
    return out;
  }
  std::unique_ptr<Initiator> log_in(unsigned attachment, bool reconnect = false) {
    auto initiator = Initiator::log_in(login(attachment), reconnect);
    EXPECT_EQ("", trouble(initiator));
    return initiator ? std::move(*initiator) : nullptr;
  }
  std::size_t sessions(unsigned attachment) {
    const auto status = service_->get(id(attachment));
    return status ? status->sessions.size() : 0;
  }
  bool served(unsigned attachment) {
    const auto status = service_->get(id(attachment));
    return status && status->active;
  }

  SystemClock clock_;
  fakes::MemoryRecords folder_;
  IdLocks locks_;
  CopyBoard copies_{[](Task, Urgency) { return false; }, clock_};
  std::unique_ptr<FileStore> store_;
  std::unique_ptr<TgtDriver> driver_;
  std::unique_ptr<ExportRecords> records_;
  std::unique_ptr<ExportService> service_;
};

TEST_F(TgtSessionTest, TheInitiatorSeesTheVolumeAndNothingElse) {
  ASSERT_EQ("", trouble(service_->put(id(7), order())));
  auto initiator = log_in(7);
  ASSERT_TRUE(initiator);
  EXPECT_EQ(id(1).str(), initiator->serial().value_or(""));
  EXPECT_EQ(kVolumeSize, initiator->capacity().value_or(0));
  const std::string bytes(4096, 'v');
  ASSERT_EQ("", trouble(initiator->write(8, bytes)));
  ASSERT_EQ("", trouble(initiator->synchronize()));
  EXPECT_EQ(bytes, testing::file_bytes(store_->device(id(1))).substr(8 * 512, bytes.size()));
  EXPECT_EQ(1u, sessions(7));
  ASSERT_EQ("", trouble(initiator->log_out()));
  EXPECT_TRUE(eventually([&] { return sessions(7) == 0; }));
}

struct SilentInitiatorTest : TgtSessionTest {
  SilentInitiatorTest() { options_.nop_interval = std::chrono::seconds(1); }
};

TEST_F(SilentInitiatorTest, ItsSessionEnds) {
  ASSERT_EQ("", trouble(service_->put(id(7), order())));
  const auto silent = log_in(7);  // libiscsi answers only while it is called
  EXPECT_TRUE(eventually([&] { return sessions(7) == 0; }));
}

TEST_F(TgtSessionTest, OnlyTheRightSecretUserAndNameGetIn) {
  ASSERT_EQ("", trouble(service_->put(id(7), order())));
  const auto refused = [&](const std::function<void(Initiator::Login&)>& change) {
    auto attempt = login(7);
    change(attempt);
    return failed_with(Initiator::log_in(attempt), ErrorCode::forbidden);
  };
  EXPECT_TRUE(refused([](auto& l) { l.secret = "secretsecret13"; }));
  EXPECT_TRUE(refused([](auto& l) { l.user = "user2"; }));
  EXPECT_TRUE(refused([](auto& l) { l.user = ""; }));
  EXPECT_TRUE(refused([](auto& l) { l.initiator = "iqn.2026-01.host:2"; }));
  EXPECT_TRUE(refused([](auto& l) { l.initiator = "iqn.2026-01.host:11"; }));
  EXPECT_EQ(0u, sessions(7));
  EXPECT_TRUE(log_in(7));
}

TEST_F(TgtSessionTest, WithoutARuleNobodyGetsIn) {
  ASSERT_EQ("", trouble(service_->put(id(7), order())));
  ASSERT_EQ("", trouble(driver_->fence(login(7).iqn)));
  EXPECT_TRUE(failed_with(Initiator::log_in(login(7)), ErrorCode::forbidden));
  ASSERT_EQ("", trouble(service_->put(id(7), order())));
  EXPECT_TRUE(log_in(7));
}

// What the guest flushes is on the disk. Where nobody can watch tgtd's system calls, its report has
// to do: of its backing types only this one flushes.
TEST_F(TgtSessionTest, AFlushReachesTheFile) {
  ASSERT_EQ("", trouble(service_->put(id(7), order())));
  const auto targets = parse_tgt_targets(TgtControl(socket()).show_targets().value_or("Target"));
  ASSERT_EQ("", trouble(targets));
  EXPECT_EQ("rdwr", targets->front().luns.back().backing_type);
  auto initiator = log_in(7);
  ASSERT_TRUE(initiator);
  process::Command command;
  command.argv = {
      "/usr/bin/strace",           "-f", "-e", "trace=fdatasync", "-o", dir_ / "calls", "-p",
      std::to_string(daemon_pid())};
  const bool can = ::access(command.argv[0].c_str(), X_OK) == 0;
  const auto tracer =
      can ? process::start_detached(command, dir_ / "strace") : fail(ErrorCode::not_found, "");
  const bool traces =
      tracer &&
      eventually(
          [&] {
            return testing::file_bytes(dir_ / "strace").find("attached") != std::string::npos;
          },
          std::chrono::seconds(10));
  ASSERT_EQ("", trouble(initiator->write(0, std::string(4096, 'f'))));
  ASSERT_EQ("", trouble(initiator->synchronize()));
  if (!tracer) return;
  ::kill(*tracer, SIGTERM);
  if (!traces) return;
  EXPECT_TRUE(eventually(
      [&] { return testing::file_bytes(dir_ / "calls").find("fdatasync(") != std::string::npos; }));
}

TEST_F(TgtSessionTest, SecretsAndUsersOfAnyAllowedLengthWork) {
  wire::ExportSpec spec = order();
  spec.chap_user = std::string(64, 'u');
  spec.chap_secret = Secret(std::string(120, 's') + "!\"#$%&'(");
  ASSERT_EQ("", trouble(service_->put(id(7), spec)));
  auto attempt = login(7);
  attempt.user = spec.chap_user;
  attempt.secret = spec.chap_secret.reveal();
  EXPECT_EQ("", trouble(Initiator::log_in(attempt)));
  attempt.secret.back() = ')';
  EXPECT_TRUE(failed_with(Initiator::log_in(attempt), ErrorCode::forbidden));
}

TEST_F(TgtSessionTest, ReadOnlyIsReadOnly) {
  wire::ExportSpec spec = order();
  spec.read_only = true;
  ASSERT_EQ("", trouble(service_->put(id(7), spec)));
  auto initiator = log_in(7);
  ASSERT_TRUE(initiator);
  EXPECT_EQ(std::string(512, '\0'), initiator->read(0, 512).value_or(""));
  EXPECT_FALSE(initiator->write(0, std::string(512, 'x')));
  EXPECT_EQ(std::string(512, '\0'), testing::file_bytes(store_->device(id(1))).substr(0, 512));
}

TEST_F(TgtSessionTest, UnmapGivesSpaceBack) {
  ASSERT_EQ("", trouble(service_->put(id(7), order())));
  auto initiator = log_in(7);
  ASSERT_TRUE(initiator);
  ASSERT_EQ("", trouble(initiator->write(0, std::string(128 * kKiB, 'x'))));
  ASSERT_EQ("", trouble(initiator->synchronize()));
  EXPECT_EQ(128 * kKiB, store_->find_volume(id(1))->allocated_bytes);
  ASSERT_EQ("", trouble(initiator->unmap(0, 256)));
  EXPECT_EQ(0u, store_->find_volume(id(1))->allocated_bytes);
}

// Page 0x83: a designator of the target's number (NAA type 3) must never come back; the others name
// the volume, whichever way it is attached.
TEST_F(TgtSessionTest, IdentitiesOfATargetAreNotReusedAndThoseOfAVolumeStay) {
  std::set<std::string> of_targets;
  std::set<std::string> of_volume;
  constexpr unsigned kFirst = 7;
  constexpr unsigned kTimes = 3;
  for (unsigned attachment = kFirst; attachment < kFirst + kTimes; ++attachment) {
    ASSERT_EQ("", trouble(service_->put(id(attachment), order())));
    auto initiator = log_in(attachment);
    ASSERT_TRUE(initiator);
    const auto designators = initiator->designators();
    ASSERT_EQ("", trouble(designators));
    for (const auto& designator : *designators) {
      const bool naa_3 = designator.size() == 8 && (designator[0] & 0xf0) == 0x30;
      (naa_3 ? of_targets : of_volume).insert(designator);
    }
    ASSERT_EQ("", trouble(initiator->log_out()));
    ASSERT_TRUE(eventually([&] { return sessions(attachment) == 0; }));
    ASSERT_EQ("", trouble(service_->remove(id(attachment), 3, ExportService::Ending::orderly)));
  }
  EXPECT_EQ(kTimes, of_targets.size());
  EXPECT_EQ(2u, of_volume.size());
  EXPECT_TRUE(of_volume.contains(id(1).str()));
}

TEST_F(TgtSessionTest, ALiveSessionKeepsItsExportUnlessRevoked) {
  ASSERT_EQ("", trouble(service_->put(id(7), order())));
  auto initiator = log_in(7);
  ASSERT_TRUE(initiator);
  EXPECT_TRUE(
      failed_with(TgtControl(socket()).delete_target(1, false), ErrorCode::conflict, "sessions"));
  EXPECT_TRUE(failed_with(service_->remove(id(7), 3, ExportService::Ending::orderly),
                          ErrorCode::conflict, "host:1"));
  EXPECT_EQ("", trouble(initiator->write(0, std::string(512, 'x'))));
  EXPECT_TRUE(served(7)) << "a reconnect must still be possible";
  EXPECT_EQ("", trouble(service_->remove(id(7), 3, ExportService::Ending::revoke)));
  EXPECT_FALSE(initiator->write(0, std::string(512, 'y')));
  EXPECT_TRUE(failed_with(Initiator::log_in(login(7)), ErrorCode::forbidden));
  EXPECT_EQ('x', testing::file_bytes(store_->device(id(1)))[0]);
}

/// Writes on and on, with reconnects, and remembers what was acknowledged.
class Writer {
 public:
  explicit Writer(std::unique_ptr<Initiator> initiator)
      : initiator_(std::move(initiator)), thread_([this] { run(); }) {}
  ~Writer() { stop(); }
  void stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
  }
  unsigned acknowledged() const { return acknowledged_; }
  std::string error() const { return error_; }
  static std::string pattern(unsigned round) {
    std::string text = "round " + std::to_string(round) + " ";
    text.resize(4096, 'w');
    return text;
  }

 private:
  void run() {
    while (!stopping_) {
      const unsigned round = acknowledged_ + 1;
      auto written = initiator_->write(round % 1024 * 8, pattern(round));
      // The first command of a new session only hears that it is new (SAM-5, unit attention).
      const bool told =
          !written && written.error().message.find("UNIT_ATTENTION") != std::string::npos;
      if (told) written = initiator_->write(round % 1024 * 8, pattern(round));
      if (!written) {
        error_ = written.error().message;
        return;
      }
      acknowledged_ = round;
    }
  }
  std::unique_ptr<Initiator> initiator_;
  std::atomic<bool> stopping_{false};
  std::atomic<unsigned> acknowledged_{0};
  std::string error_;
  std::thread thread_;
};

TEST_F(TgtSessionTest, ASessionSurvivesTheDeathOfTheDaemonUnderLoad) {
  ASSERT_EQ("", trouble(service_->put(id(7), order())));
  Writer writer(log_in(7, true));
  ASSERT_TRUE(eventually([&] { return writer.acknowledged() > 100; }));
  kill_daemon();
  service_->tend();
  EXPECT_TRUE(served(7));
  const unsigned before = writer.acknowledged();
  EXPECT_TRUE(eventually([&] { return writer.acknowledged() > before + 100; })) << writer.error();
  writer.stop();
  EXPECT_EQ("", writer.error());
  const unsigned last = writer.acknowledged();
  const std::string bytes = testing::file_bytes(store_->device(id(1)));
  for (unsigned round = last > 1000 ? last - 1000 : 1; round <= last; ++round) {
    ASSERT_EQ(Writer::pattern(round), bytes.substr(round % 1024 * 4096, 4096)) << round;
  }
}

TEST_F(TgtSessionTest, RevokingUnderLoadShutsTheInitiatorOut) {
  ASSERT_EQ("", trouble(service_->put(id(7), order())));
  auto initiator = log_in(7);
  ASSERT_TRUE(initiator);
  Writer writer(std::move(initiator));
  ASSERT_TRUE(eventually([&] { return writer.acknowledged() > 100; }));
  EXPECT_EQ("", trouble(service_->remove(id(7), 3, ExportService::Ending::revoke)));
  writer.stop();
  EXPECT_NE("", writer.error());
  EXPECT_TRUE(driver_->list()->empty());
  EXPECT_EQ("", trouble(store_->remove_volume(id(1))));
}

// The initiator reconnects and hears an error, instead of waiting for ever.
TEST_F(TgtSessionTest, ABuriedExportAnswersItsInitiatorWithErrors) {
  ASSERT_EQ("", trouble(service_->put(id(7), order())));
  {
    Writer writer(log_in(7, true));
    ASSERT_TRUE(eventually([&] { return writer.acknowledged() > 100; }));
    ASSERT_EQ("", trouble(service_->remove(id(7), 3, ExportService::Ending::bury)));
    EXPECT_TRUE(eventually([&] { return !writer.error().empty(); }));
    EXPECT_NE(std::string::npos, writer.error().find("NOT_SUPPORTED")) << writer.error();
  }
  EXPECT_EQ("", trouble(store_->remove_volume(id(1))));
  EXPECT_EQ("", trouble(service_->remove(id(7), 4, ExportService::Ending::revoke)));
  EXPECT_TRUE(driver_->list()->empty());
}

TEST_F(TgtSessionTest, ManyExportsAreRebuiltTogether) {
  constexpr unsigned kExports = 20;
  for (unsigned n = 0; n < kExports; ++n) {
    ASSERT_EQ("", trouble(store_->create_volume(id(100 + n), kMiB)));
    ASSERT_EQ("", trouble(service_->put(id(200 + n), order(100 + n))));
  }
  kill_daemon();
  service_->tend();
  for (unsigned n = 0; n < kExports; ++n) EXPECT_TRUE(served(200 + n)) << n;
}

/// The challenge that a login gets to see, "0x..."; "" if there was none. Speaks just enough of the
/// login phase (RFC 7143, section 11.12) to be asked for a proof.
std::string first_challenge(const Portal& portal, const std::string& iqn) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(portal.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const FileDescriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) return "";
  const auto login = [&fd](unsigned char flags, std::string keys) {
    std::string pdu(48, '\0');
    pdu[0] = 0x43;  // login request, immediate
    pdu[1] = static_cast<char>(flags);
    pdu[6] = static_cast<char>(keys.size() >> 8);
    pdu[7] = static_cast<char>(keys.size() & 0xff);
    pdu[13] = 1;  // ISID
    keys.resize((keys.size() + 3) / 4 * 4, '\0');
    pdu += keys;
    ::send(fd.get(), pdu.data(), pdu.size(), MSG_NOSIGNAL);
    std::string answer(48, '\0');
    if (::recv(fd.get(), answer.data(), answer.size(), MSG_WAITALL) != 48) return std::string();
    const auto size =
        static_cast<unsigned char>(answer[6]) * 256u + static_cast<unsigned char>(answer[7]);
    answer.assign((size + 3) / 4 * 4, '\0');
    ::recv(fd.get(), answer.data(), answer.size(), MSG_WAITALL);
    return answer;
  };
  const std::string nul(1, '\0');
  login(0x81, "InitiatorName=iqn.2026-01.host:1" + nul + "TargetName=" + iqn + nul +
                  "SessionType=Normal" + nul + "AuthMethod=CHAP" + nul);
  const std::string answer = login(0x00, "CHAP_A=5" + nul);
  const auto at = answer.find("CHAP_C=");
  return at == std::string::npos ? "" : answer.substr(at + 7, answer.find('\0', at) - at - 7);
}

// A challenge that can be foreseen can be answered by replaying an old login.
TEST_F(TgtSessionTest, EveryStartOfTheDaemonChallengesAnew) {
  ASSERT_EQ("", trouble(service_->put(id(7), order())));
  std::set<std::string> challenges;
  for (int start = 0; start < 3; ++start) {
    const std::string challenge = first_challenge(options_.portal, login(7).iqn);
    EXPECT_GE(challenge.size(), 34u) << "16 bytes at least";
    EXPECT_TRUE(challenges.insert(challenge).second) << challenge;
    kill_daemon();
    service_->tend();
  }
}

}  // namespace
}  // namespace vbs::volume_delegate
