#include "cli/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>

namespace vbs::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// A home of its own, and an environment that knows nothing else.
class SettingsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "vbs-settings-XXXXXX";
    home_ = mkdtemp(pattern.data());
    variables_["HOME"] = home_;
  }
  void TearDown() override { std::filesystem::remove_all(home_); }

  std::string write(const std::string& name, const std::string& text, unsigned mode = 0600) {
    const std::string path = home_ + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path) << text;
    chmod(path.c_str(), mode);
    return path;
  }
  std::string write_config(const std::string& text, unsigned mode = 0600) {
    return write(".config/vbs/config.toml", text, mode);
  }

  Result<Settings> load() {
    return load_settings(arguments_, [this](const std::string& name) { return variables_[name]; });
  }
  std::string refusal() {
    auto settings = load();
    EXPECT_FALSE(settings);
    return settings ? "" : settings.error().message;
  }

  std::string home_;
  std::map<std::string, std::string> variables_;
  Arguments arguments_;
};

TEST_F(SettingsTest, HasDefaults) {
  const auto settings = load();
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->url, "http://127.0.0.1:7700");
  EXPECT_TRUE(settings->token.empty());
  EXPECT_EQ(settings->output, OutputFormat::table);
  EXPECT_FALSE(settings->quiet);
  EXPECT_THAT(settings->warnings, IsEmpty());
}

TEST_F(SettingsTest, OptionsGoBeforeTheEnvironmentAndThatBeforeTheFile) {
  write_config("url = \"http://127.0.0.1:1\"\ntoken = \"from-file\"\noutput = \"json\"\n");
  auto settings = load();
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->url, "http://127.0.0.1:1");
  EXPECT_EQ(settings->token.reveal(), "from-file");
  EXPECT_EQ(settings->output, OutputFormat::json);

  variables_["VBS_URL"] = "http://localhost:2";
  variables_["VBS_TOKEN"] = "from-environment";
  settings = load();
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->url, "http://localhost:2");
  EXPECT_EQ(settings->token.reveal(), "from-environment");

  arguments_.set("--url", {"https://option:3/"});
  arguments_.set("--token-file", {write("token", "from-option\n")});
  arguments_.set("--output", {"table"});
  settings = load();
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->url, "https://option:3");
  EXPECT_EQ(settings->token.reveal(), "from-option");
  EXPECT_EQ(settings->output, OutputFormat::table);
}

TEST_F(SettingsTest, ReadsTheFileThatVbsConfigNames) {
  write_config("url = \"http://home:1\"\n");
  variables_["VBS_CONFIG"] = write("other.toml", "url = \"http://other:1\"\n");
  const auto settings = load();
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->url, "http://other:1");
  variables_["VBS_CONFIG"] = home_ + "/absent.toml";
  EXPECT_THAT(refusal(), HasSubstr("absent.toml"));
}

TEST_F(SettingsTest, ReadsTheTokenFileOfTheFile) {
  write("secrets/token", "tok\n");
  write_config("token_file = \"~/secrets/token\"\n");
  const auto settings = load();
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->token.reveal(), "tok");
}

TEST_F(SettingsTest, RefusesWhatItDoesNotKnow) {
  write_config("ulr = \"http://x\"\n");
  EXPECT_THAT(refusal(), HasSubstr("ulr"));
  write_config("output = \"yaml\"\n");
  EXPECT_THAT(refusal(), HasSubstr("table or json"));
  write_config("token = \"a\"\ntoken_file = \"b\"\n");
  EXPECT_THAT(refusal(), HasSubstr("token"));
  write_config("url = \n");
  EXPECT_THAT(refusal(), HasSubstr("config.toml"));
}

TEST_F(SettingsTest, WarnsOfATokenThatOthersCanRead) {
  write_config("token = \"a\"\n", 0644);
  auto settings = load();
  ASSERT_TRUE(settings);
  ASSERT_THAT(settings->warnings, SizeIs(1));
  EXPECT_THAT(settings->warnings[0], HasSubstr("config.toml"));
  EXPECT_THAT(settings->warnings[0], HasSubstr("0644"));

  write_config("url = \"http://127.0.0.1:1\"\n", 0644);
  arguments_.set("--token-file", {write("token", "a", 0640)});
  settings = load();
  ASSERT_TRUE(settings);
  ASSERT_THAT(settings->warnings, SizeIs(1)) << "the configuration holds no secret";
  EXPECT_THAT(settings->warnings[0], HasSubstr("token"));
}

TEST_F(SettingsTest, TakesCertificatesFromOptionsAndTheFile) {
  write_config("ca = \"~/ca.crt\"\ncertificate = \"/me.crt\"\nkey = \"/me.key\"\n");
  auto settings = load();
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->tls.ca_file, home_ + "/ca.crt");
  EXPECT_EQ(settings->tls.certificate_file, "/me.crt");
  EXPECT_EQ(settings->tls.key_file, "/me.key");
  for (const char* name : {"ca", "certificate", "key"}) {
    arguments_.set(std::string("--") + name, {std::string("/option/") + name});
  }
  settings = load();
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->tls.ca_file, "/option/ca");
  EXPECT_EQ(settings->tls.certificate_file, "/option/certificate");
  EXPECT_EQ(settings->tls.key_file, "/option/key");
  arguments_.set("--key", {""});
  EXPECT_THAT(refusal(), HasSubstr("go together"));
}

TEST_F(SettingsTest, NoTokenCrossesANetworkInClear) {
  variables_["VBS_TOKEN"] = "secret";
  for (const char* url : {"http://192.0.2.1:7700", "http://front/prefix", "http://[fd00::1]"}) {
    variables_["VBS_URL"] = url;
    EXPECT_THAT(refusal(), HasSubstr("in clear")) << url;
  }
  for (const char* url : {"http://127.0.0.1:7700/prefix", "http://localhost", "http://[::1]:1",
                          "https://192.0.2.1:7700"}) {
    variables_["VBS_URL"] = url;
    EXPECT_TRUE(load()) << url;
  }
  variables_["VBS_TOKEN"] = "";
  variables_["VBS_URL"] = "http://192.0.2.1:7700";
  EXPECT_TRUE(load()) << "there is nothing to protect";
}

TEST_F(SettingsTest, RefusesWhatIsNoToken) {
  for (const char* text : {"", "\n", "two words", "tab\there", "line\nline", "caf\xc3\xa9"}) {
    arguments_.set("--token-file", {write("token", text)});
    EXPECT_THAT(refusal(), HasSubstr("holds no token")) << text;
  }
  arguments_.set("--token-file", {write("token", std::string(1025, 'a'))});
  EXPECT_EQ(refusal().find("aaaa"), std::string::npos) << "a token is not repeated";
  arguments_.set("--token-file", {home_ + "/absent"});
  EXPECT_THAT(refusal(), HasSubstr("absent"));
}

TEST(CheckUrl, TakesOnlyTheAddressOfAService) {
  EXPECT_EQ(check_url("http://127.0.0.1:7700"), "http://127.0.0.1:7700");
  EXPECT_EQ(check_url("https://store.example/vbs//"), "https://store.example/vbs");
  EXPECT_EQ(check_url("http://[::1]:7700"), "http://[::1]:7700");
  for (const char* url : {"", "127.0.0.1:7700", "ftp://x", "http://", "http:///x", "http://:1",
                          "http://user@x", "http://x?a=b", "http://x#y", "http://x y", "HTTP//x"}) {
    EXPECT_FALSE(check_url(url)) << url;
  }
  EXPECT_FALSE(check_url("http://" + std::string(2000, 'x')));
}

}  // namespace
}  // namespace vbs::cli
