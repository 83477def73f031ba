#pragma once

#include <string>

#include "tests/unit/volume_delegate/server_support.h"

namespace vbs::volume_delegate::testing {

/// A volume server that has a volume of 10 MiB to export.
class ExportTest : public ServerTest {
 protected:
  void SetUp() override { ASSERT_EQ("200", said(put(volume(1), blank(10)))); }

  static wire::ExportStatus status(const http::Response& response) {
    return read<wire::ExportStatus>(response);
  }
  bool log_in(unsigned attachment, const std::string& initiator = "iqn.2026-01.host:1") {
    return target_.log_in(iqn(attachment), initiator, "user1", "secretsecret12");
  }
  std::string remove(unsigned attachment, int generation, bool revoke = false) {
    return said(del(export_of(attachment) + "?generation=" + std::to_string(generation) +
                    (revoke ? "&revoke=true" : "")));
  }
  /// One call of the target driver fails.
  void fail_call(const std::string& which, ErrorCode code) {
    target_.set_fault([which, code](const std::string& call) -> Result<void> {
      if (call == which) return fail(code, which + " failed");
      return {};
    });
  }
};

}  // namespace vbs::volume_delegate::testing
