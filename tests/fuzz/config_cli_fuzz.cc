#include "cli/settings.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/text_file.h"

/// The configuration of vbs.
void vbs::fuzz::one_input(std::string_view input) {
  static TextFile file;
  file.write(input);
  const auto environment = [&](const std::string& name) {
    return name == "VBS_CONFIG" ? file.path() : std::string();
  };
  const auto settings = cli::load_settings({}, environment);
  if (!settings) return;
  require(cli::check_url(settings->url) == settings->url, "its URL is one");
  require(settings->tls.certificate_file.empty() == settings->tls.key_file.empty(),
          "certificate and key go together");
}
