#include <algorithm>

#include "tests/conformance/target/rig.h"
#include "tests/unit/volume_delegate/iscsi_support.h"

// libiscsi 1.19 loses a few bytes itself when the target closes a connection.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libiscsi.so";
}

namespace vbs::conformance {
namespace {

using volume_delegate::testing::Initiator;

class LibiscsiSession final : public Session {
 public:
  explicit LibiscsiSession(std::unique_ptr<Initiator> initiator)
      : initiator_(std::move(initiator)) {}

  Result<std::string> serial() override { return initiator_->serial(); }
  /// The designators of the logical unit; those of the target (NAA type 3) differ each time.
  Result<std::string> identity() override {
    const auto all = initiator_->designators();
    if (!all) return fail(all.error());
    std::string out;
    for (const auto& designator : *all) {
      const bool naa = designator.size() == 8 || designator.size() == 16;
      const bool of_unit = !naa || (designator[0] & 0xf0) == 0x60;
      const bool of_target = designator.find("iqn.") != std::string::npos || designator.size() == 4;
      if (of_unit && !of_target) out += designator + "\n";
    }
    return out;
  }
  Result<std::uint64_t> capacity() override { return initiator_->capacity(); }
  Result<std::string> read(std::uint64_t block, std::uint32_t size) override {
    return initiator_->read(block, size);
  }
  Result<void> write(std::uint64_t block, const std::string& bytes) override {
    return initiator_->write(block, bytes);
  }
  Result<void> flush() override { return initiator_->synchronize(); }
  void log_out() override {
    if (auto ignored = initiator_->log_out(); !ignored) return;
  }

 private:
  std::unique_ptr<Initiator> initiator_;
};

}  // namespace

Result<std::unique_ptr<Session>> log_in_by_libiscsi(const std::string& portal,
                                                    const Credentials& credentials) {
  Initiator::Login login;
  login.portal = portal;
  login.iqn = credentials.iqn;
  login.initiator = credentials.initiator;
  login.user = credentials.user;
  login.secret = credentials.secret;
  auto initiator = Initiator::log_in(login);
  if (!initiator) return fail(initiator.error());
  return std::make_unique<LibiscsiSession>(std::move(*initiator));
}

}  // namespace vbs::conformance
