#pragma once

#include "common/http/link_settings.h"
#include "common/secret.h"

namespace vbs::http {

/// The link of a delegate, which takes orders from one front service only.
struct DelegateLink : LinkSettings {
  std::string front;  ///< whose certificate may connect; counts with TLS only
};

DelegateLink read_delegate_link(config::Table& root, const std::string& default_listen);

/// Lets only requests of the front through: by its certificate where there is TLS, and always by
/// the service token.
Handler only_for_front(const DelegateLink& link, Secret token, Handler inner);

}  // namespace vbs::http
