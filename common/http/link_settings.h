#pragma once

#include <cstdint>
#include <string>

#include "common/config.h"
#include "common/http/server.h"
#include "common/http/tls.h"

namespace vbs::http {

/// Where a service listens and who it is: `listen` and the table [tls] of its configuration.
struct LinkSettings {
  std::string address;  ///< without brackets
  std::uint16_t port = 0;
  TlsOptions tls;  ///< empty: plain HTTP, which is for loopback only
};

/// Problems are reported into `root`: an address beyond loopback without [tls], for instance.
LinkSettings read_link(config::Table& root, const std::string& default_listen);

/// Puts address, port and, where there is TLS, the certificates into `options`. What is wrong with
/// the files is returned.
Result<void> apply_link(const LinkSettings& link, ServerOptions& options);

/// After SIGHUP: reads the certificates again, and logs how that went. Nothing without TLS.
void reload_certificates(const std::shared_ptr<TlsContext>& tls);

}  // namespace vbs::http
