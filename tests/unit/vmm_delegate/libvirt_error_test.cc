#include "vmm_delegate/hypervisor/libvirt/libvirt_error.h"

#include <gtest/gtest.h>

namespace vbs::vmm_delegate::libvirt {
namespace {

TEST(LibvirtError, TellsWhatMayBeDoneAboutIt) {
  struct Case {
    int domain;
    int code;
    const char* text;
    ErrorCode expected;
  };
  const Case cases[] = {
      {VIR_FROM_QEMU, VIR_ERR_NO_DOMAIN, "Domain not found", ErrorCode::not_found},
      {VIR_FROM_QEMU, VIR_ERR_DEVICE_MISSING, "device not found", ErrorCode::not_found},
      {VIR_FROM_QEMU, VIR_ERR_OPERATION_INVALID, "domain is not running", ErrorCode::conflict},
      {VIR_FROM_QEMU, VIR_ERR_OPERATION_TIMEOUT,
       "Timed out during operation: cannot acquire state change lock (held by monitor=x)",
       ErrorCode::overloaded},
      {VIR_FROM_QEMU, VIR_ERR_OPERATION_TIMEOUT, "timed out", ErrorCode::timeout},
      {VIR_FROM_QEMU, VIR_ERR_AGENT_UNRESPONSIVE, "agent is not connected", ErrorCode::timeout},
      {VIR_FROM_RPC, VIR_ERR_INTERNAL_ERROR, "client socket is closed", ErrorCode::timeout},
      {VIR_FROM_RPC, VIR_ERR_SYSTEM_ERROR, "Cannot recv data", ErrorCode::timeout},
      {VIR_FROM_REMOTE, VIR_ERR_RPC, "connection lost", ErrorCode::timeout},
      {VIR_FROM_NONE, VIR_ERR_INVALID_CONN, "invalid connection", ErrorCode::timeout},
      {VIR_FROM_NONE, VIR_ERR_NO_CONNECT, "nobody listens", ErrorCode::node_unavailable},
      {VIR_FROM_REMOTE, VIR_ERR_AUTH_FAILED, "authentication failed", ErrorCode::forbidden},
      {VIR_FROM_QEMU, VIR_ERR_CONFIG_UNSUPPORTED, "unsupported", ErrorCode::conflict},
      {VIR_FROM_QEMU, VIR_ERR_INTERNAL_ERROR, "unable to execute QEMU command",
       ErrorCode::conflict},
  };
  for (const Case& one : cases) {
    std::string text = one.text;
    virError error{};
    error.domain = one.domain;
    error.code = one.code;
    error.message = text.data();
    const Error seen = to_error(&error, "do it");
    EXPECT_EQ(seen.code, one.expected) << one.text;
    EXPECT_EQ(seen.message, "libvirt cannot do it: " + text);
  }
}

TEST(LibvirtError, BoundsAndCleansItsText) {
  std::string text = "\xff" + std::string(100'000, 'x');
  virError error{};
  error.code = VIR_ERR_OPERATION_FAILED;
  error.message = text.data();
  const Error seen = to_error(&error, "do it");
  EXPECT_LT(seen.message.size(), 600U);
  EXPECT_EQ(seen.message.find('\xff'), seen.message.npos);
  EXPECT_EQ(to_error(nullptr, "do it").code, ErrorCode::internal);
}

}  // namespace
}  // namespace vbs::vmm_delegate::libvirt
