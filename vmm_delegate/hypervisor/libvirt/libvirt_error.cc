#include "vmm_delegate/hypervisor/libvirt/libvirt_error.h"

#include <string_view>

#include "common/text.h"

namespace vbs::vmm_delegate::libvirt {
namespace {

/// libvirt's texts may quote what a guest or a tool said.
constexpr std::size_t kMaxText = 512;

ErrorCode code_of(int domain, int code, std::string_view text) {
  switch (code) {
    case VIR_ERR_NO_DOMAIN:
    case VIR_ERR_DEVICE_MISSING:
      return ErrorCode::not_found;
    case VIR_ERR_NO_CONNECT:
      return ErrorCode::node_unavailable;
    case VIR_ERR_AUTH_FAILED:
    case VIR_ERR_AUTH_CANCELLED:
    case VIR_ERR_AUTH_UNAVAILABLE:
    case VIR_ERR_ACCESS_DENIED:
    case VIR_ERR_OPERATION_DENIED:
      return ErrorCode::forbidden;
    // The connection broke during the call, or the guest is silent: it may have been carried out.
    case VIR_ERR_RPC:
    case VIR_ERR_INVALID_CONN:
    case VIR_ERR_AGENT_UNRESPONSIVE:
    case VIR_ERR_AGENT_UNSYNCED:
      return ErrorCode::timeout;
    case VIR_ERR_OPERATION_TIMEOUT:
      // "cannot acquire state change lock (held by monitor=...)": it was not begun.
      return text.find("state change lock") == text.npos ? ErrorCode::timeout
                                                         : ErrorCode::overloaded;
    default:
      break;
  }
  // The connection's own errors come under many codes.
  return domain == VIR_FROM_RPC ? ErrorCode::timeout : ErrorCode::conflict;
}

}  // namespace

Error to_error(const virError* error, const char* what) {
  const std::string cannot = std::string("libvirt cannot ") + what;
  if (error == nullptr || error->message == nullptr) {
    return {ErrorCode::internal, cannot + " and does not say why", {}, {}, {}};
  }
  const std::string text = to_utf8(std::string_view(error->message).substr(0, kMaxText));
  return {code_of(error->domain, error->code, text), cannot + ": " + text, {}, {}, {}};
}

Error last_error(const Library& library, const char* what) {
  return to_error(library.virGetLastError(), what);
}

}  // namespace vbs::vmm_delegate::libvirt
