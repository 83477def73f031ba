#include "volume_delegate/target/tgt/tgt_control.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/unit/volume_delegate/tgt_support.h"
#include "volume_delegate/target/tgt/tgt_report.h"

namespace vbs::volume_delegate {
namespace {

using testing::failed_with;
using testing::trouble;

/// Listens where tgtd would, takes one request and answers what it is told to.
class Impostor {
 public:
  explicit Impostor(std::string answer) : path_(dir_ / "control.1") {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path_.c_str(), sizeof(address.sun_path) - 1);
    listener_ = FileDescriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(0, ::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)));
    EXPECT_EQ(0, ::listen(listener_.get(), 1));
    thread_ = std::thread([this, answer = std::move(answer)] {
      const FileDescriptor peer(::accept(listener_.get(), nullptr, nullptr));
      take_request(peer.get());
      EXPECT_EQ(static_cast<ssize_t>(answer.size()),
                ::send(peer.get(), answer.data(), answer.size(), MSG_NOSIGNAL));
    });
  }
  ~Impostor() { thread_.join(); }
  const std::string& path() const { return path_; }

 private:
  /// All of it, its header and its text come in pieces: who closes before loses its answer.
  static void take_request(int peer) {
    constexpr std::size_t kHeader = 120;  // struct tgtadm_req
    constexpr std::size_t kLengthAt = 72;
    char request[4096];
    ASSERT_EQ(static_cast<ssize_t>(kHeader), ::recv(peer, request, kHeader, MSG_WAITALL));
    std::uint32_t length = 0;
    std::memcpy(&length, request + kLengthAt, sizeof(length));
    ASSERT_GE(sizeof(request), length);
    const std::size_t text = length - kHeader;
    if (text == 0) return;  // recv of nothing would wait for something
    ASSERT_EQ(static_cast<ssize_t>(text), ::recv(peer, request, text, MSG_WAITALL));
  }

  testing::TempDir dir_;
  const std::string path_;
  FileDescriptor listener_;
  std::thread thread_;
};

std::string header(std::uint32_t error, std::uint32_t length) {
  std::string out(8, '\0');
  std::memcpy(out.data(), &error, sizeof(error));
  std::memcpy(out.data() + sizeof(error), &length, sizeof(length));
  return out;
}

TEST(TgtControl, SaysThatNobodyListens) {
  const testing::TempDir dir;
  TgtControl control(dir / "control.1");
  EXPECT_TRUE(failed_with(control.show_targets(), ErrorCode::node_unavailable, "control.1"));
}

TEST(TgtControl, RefusesASocketPathThatTheKernelCannotTake) {
  EXPECT_TRUE(TgtControl::socket_path("/" + std::string(104, 'x'), 1));
  EXPECT_TRUE(failed_with(TgtControl::socket_path("/" + std::string(105, 'x'), 1),
                          ErrorCode::invalid_field, "at most 107"));
}

TEST(TgtControl, TakesAClosedConnectionAsUnknownOutcome) {
  const Impostor impostor("");
  TgtControl control(impostor.path());
  EXPECT_TRUE(failed_with(control.new_target(1, "iqn.a"), ErrorCode::timeout, "broke"));
}

TEST(TgtControl, TakesACutAnswerAsUnknownOutcome) {
  const Impostor impostor(header(0, 1000) + "Target 1: iqn");
  TgtControl control(impostor.path());
  EXPECT_TRUE(failed_with(control.show_targets(), ErrorCode::timeout, "broke"));
}

TEST(TgtControl, RefusesAnAnswerBeyondItsLimit) {
  const Impostor impostor(header(0, 0xffffffff));
  TgtControl control(impostor.path());
  EXPECT_TRUE(failed_with(control.show_targets(), ErrorCode::timeout, "4294967295"));
}

TEST(TgtControl, RefusesALengthBelowTheHeader) {
  const Impostor impostor(header(0, 3));
  TgtControl control(impostor.path());
  EXPECT_TRUE(failed_with(control.show_targets(), ErrorCode::timeout));
}

TEST(TgtControl, NamesARefusalThatIsNotKnown) {
  const Impostor impostor(header(4711, 8));
  TgtControl control(impostor.path());
  EXPECT_TRUE(failed_with(control.new_target(1, "iqn.a"), ErrorCode::internal, "4711"));
}

TEST(TgtControl, GivesUpOnSilence) {
  const testing::TempDir dir;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, (dir / "s.1").c_str(), sizeof(address.sun_path) - 1);
  const FileDescriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(0, ::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)));
  ASSERT_EQ(0, ::listen(listener.get(), 8));
  TgtControl control(dir / "s.1", Milliseconds(100));
  EXPECT_TRUE(failed_with(control.show_targets(), ErrorCode::timeout, "does not answer"));
}

class TgtControlReal : public testing::TgtTest {
 protected:
  void SetUp() override {
    TgtTest::SetUp();
    if (IsSkipped()) return;
    driver_ = start();
    control_ = std::make_unique<TgtControl>(socket());
  }
  std::unique_ptr<TgtDriver> driver_;
  std::unique_ptr<TgtControl> control_;
};

TEST_F(TgtControlReal, NumbersMeanWhatTheyAreTakenFor) {
  TgtControl& tgt = *control_;
  EXPECT_TRUE(failed_with(tgt.delete_target(5, true), ErrorCode::not_found, "no such target"));
  EXPECT_EQ("", trouble(tgt.new_target(5, "iqn.2026-01.t:1")));
  EXPECT_TRUE(failed_with(tgt.new_target(5, "iqn.2026-01.t:2"), ErrorCode::already_exists));
  EXPECT_TRUE(failed_with(tgt.new_target(6, "iqn.2026-01.t:1"), ErrorCode::already_exists));
  EXPECT_TRUE(failed_with(tgt.delete_lun(5, 1), ErrorCode::not_found, "no such logical unit"));
  EXPECT_TRUE(
      failed_with(tgt.new_lun(5, 1, "/nonexistent"), ErrorCode::internal, "invalid request"));
  const std::string image = make_image("a.img");
  EXPECT_EQ("", trouble(tgt.new_lun(5, 1, image)));
  EXPECT_TRUE(failed_with(tgt.new_lun(5, 1, image), ErrorCode::already_exists));
  EXPECT_TRUE(failed_with(tgt.bind_account(5, "nobody"), ErrorCode::not_found, "no such account"));
  EXPECT_TRUE(failed_with(tgt.delete_account("nobody"), ErrorCode::not_found));
  EXPECT_EQ("", trouble(tgt.new_account("user", Secret("secretsecret12"))));
  EXPECT_TRUE(failed_with(tgt.new_account("user", Secret("x")), ErrorCode::already_exists));
  EXPECT_TRUE(failed_with(tgt.remove_rule(5, "iqn.2026-01.h:1"), ErrorCode::not_found));
  EXPECT_EQ("", trouble(tgt.allow_initiator(5, "iqn.2026-01.h:1")));
  EXPECT_TRUE(failed_with(tgt.allow_initiator(5, "iqn.2026-01.h:1"), ErrorCode::already_exists));
  EXPECT_TRUE(failed_with(tgt.close_connection(5, 77, 0), ErrorCode::not_found, "no such session"));
}

TEST_F(TgtControlReal, ReadsReportsAboveOneBuffer) {
  constexpr unsigned kTargets = 300;
  for (unsigned tid = 1; tid <= kTargets; ++tid) {
    ASSERT_EQ("", trouble(control_->new_target(tid, "iqn.2026-01.t:" + std::to_string(tid))));
  }
  const auto report = control_->show_targets();
  ASSERT_TRUE(report);
  EXPECT_GT(report->size(), 100'000u);
  const auto targets = parse_tgt_targets(*report);
  ASSERT_TRUE(targets) << targets.error().message;
  EXPECT_EQ(kTargets, targets->size());
}

TEST_F(TgtControlReal, ATextAtTheLimitIsStillTaken) {
  const std::string iqn = "iqn.2026-01.t:" + std::string(209, 'x');  // 223 bytes, RFC 7143
  ASSERT_EQ("", trouble(control_->new_target(1, iqn)));
  const auto targets = parse_tgt_targets(control_->show_targets().value_or(""));
  ASSERT_TRUE(targets);
  EXPECT_EQ(iqn, targets->front().iqn);
}

}  // namespace
}  // namespace vbs::volume_delegate
