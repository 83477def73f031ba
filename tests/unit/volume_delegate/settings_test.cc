#include "volume_delegate/settings.h"

#include <gtest/gtest.h>

#include <regex>

#include "common/file.h"
#include "common/units.h"
#include "tests/unit/volume_delegate/support.h"

namespace vbs::volume_delegate {
namespace {

using testing::failed_with;
using testing::trouble;

/// A configuration with one line of one table replaced or added.
std::string config(const std::string& root = "", const std::string& store = "",
                   const std::string& target = "") {
  const auto has = [](const std::string& text, const char* key) {
    return text.starts_with(std::string(key) + " ");
  };
  std::string out;
  if (!has(root, "name")) out += "name = \"vs1\"\n";
  if (!has(root, "token_file")) out += "token_file = \"/t\"\n";
  if (!has(root, "state_dir")) out += "state_dir = \"/var/lib/vbs\"\n";
  out += root + "\n[store]\n";
  if (!has(store, "folder")) out += "folder = \"/srv/vbs\"\n";
  out += store + "\n[target]\n";
  if (!has(target, "portal")) out += "portal = \"127.0.0.1:3260\"\n";
  return out + target + "\n";
}

const FileStoreOptions& file_store(const Result<Settings>& settings) {
  return std::get<FileStoreOptions>(settings->store);
}

TEST(Settings, HaveDefaults) {
  const auto settings = parse_settings(config(), "test");
  ASSERT_EQ("", trouble(settings));
  EXPECT_EQ("vs1", settings->name);
  EXPECT_EQ("127.0.0.1", settings->link.address);
  EXPECT_EQ(7710, settings->link.port);
  EXPECT_EQ(5u, file_store(settings).reserve_percent);
  EXPECT_TRUE(file_store(settings).reflink);
  EXPECT_EQ(200 * kMiB, file_store(settings).copy_bytes_per_second);
  EXPECT_EQ("127.0.0.1:3260", settings->target.tgt.portal.str());
  EXPECT_EQ(2, settings->target.tgt.threads);
  EXPECT_EQ("/var/lib/vbs/tgt", settings->target.tgt.folder);
  EXPECT_EQ("tgt", settings->target.driver);
  EXPECT_EQ("/sys/kernel/config", settings->target.lio.configfs);
  EXPECT_EQ("/etc/iet", settings->target.iet.config);
  EXPECT_EQ("iqn.2026-01.vbs", settings->target.iqn_prefix);
}

TEST(Settings, TakeEveryKey) {
  const auto settings = parse_settings(
      config("listen = \"[::1]:7000\"\nlog_file = \"/l\"\nlog_level = \"debug\"\ncopy_threads = 3",
             "driver = \"file\"\nreserve_percent = 7\nreflink = \"never\"\ncopy_rate = \"1G\"",
             "driver = \"lio\"\ncontrol_port = 9\nthreads = 4\nconfigfs = \"/c\"\niet_config = "
             "\"/etc\"\niqn_prefix = \"iqn.2001-04.com.example\""),
      "test");
  ASSERT_EQ("", trouble(settings));
  EXPECT_EQ("::1", settings->link.address);
  EXPECT_EQ("/l", settings->log.file);
  EXPECT_EQ(log::Level::debug, settings->log.level);
  EXPECT_EQ(3u, settings->copy_threads);
  EXPECT_EQ(7u, file_store(settings).reserve_percent);
  EXPECT_FALSE(file_store(settings).reflink);
  EXPECT_EQ(kGiB, file_store(settings).copy_bytes_per_second);
  EXPECT_EQ(9, settings->target.tgt.control_port);
  EXPECT_EQ(4, settings->target.tgt.threads);
  EXPECT_EQ("lio", settings->target.driver);
  EXPECT_EQ("/c", settings->target.lio.configfs);
  EXPECT_EQ("/etc", settings->target.iet.config);
  EXPECT_EQ("iqn.2001-04.com.example", settings->target.iqn_prefix);
}

TEST(Settings, TakeTheKeysOfLvm) {
  const auto thick = parse_settings(
      config("",
             "driver = \"lvm\"\nvolume_group = \"data\"\ndevices = [\"/dev/sdb\"]\n"
             "reserve_percent = 1\nwipe_rate = \"50M\"\nsnapshot_percent = 30\n"
             "snapshot_promise_percent = 60\nsnapshot_least = \"2G\"\nsnapshot_extend_at = 40"),
      "test");
  ASSERT_EQ("", trouble(thick));
  const auto& lvm = std::get<LvmThickOptions>(thick->store);
  EXPECT_EQ("data", lvm.lvm.group);
  EXPECT_EQ(std::vector<std::string>{"/dev/sdb"}, lvm.lvm.devices);
  EXPECT_EQ(1u, lvm.lvm.reserve_percent);
  EXPECT_EQ(50 * kMiB, lvm.lvm.wipe_bytes_per_second);
  EXPECT_EQ(200 * kMiB, lvm.lvm.copy_bytes_per_second);
  EXPECT_EQ(30u, lvm.snapshots.first_percent);
  EXPECT_EQ(2 * kGiB, lvm.snapshots.least_bytes);
  EXPECT_EQ(60u, lvm.snapshots.promised_percent);
  EXPECT_EQ(40u, lvm.snapshots.extend_at_percent);
  const auto thin =
      parse_settings(config("",
                            "driver = \"lvm-thin\"\nthin_pool = \"p\"\nthin_pool_size = \"9G\"\n"
                            "overcommit_percent = 150\ndata_refuse = 90\nmetadata_warn = 50\n"
                            "throttled_pause = \"1s\""),
                     "test");
  ASSERT_EQ("", trouble(thin));
  const auto& pool = std::get<LvmThinOptions>(thin->store).pool;
  EXPECT_EQ("p", pool.name);
  EXPECT_EQ(9 * kGiB, pool.size_bytes);
  EXPECT_EQ(150u, pool.overcommit_percent);
  EXPECT_EQ(90u, pool.data.refuse);
  EXPECT_EQ(85u, pool.data.throttle);
  EXPECT_EQ(50u, pool.metadata.warn);
  EXPECT_EQ(Milliseconds(1'000), pool.throttled_pause);
}

TEST(Settings, NameTheKeyThatIsWrong) {
  const struct {
    std::string text, word;
  } cases[] = {
      {config("name = \"no name\""), "name"},
      {config("listen = \"127.0.0.1\""), "listen"},
      {config("listen = \"127.0.0.1:99999\""), "listen"},
      {config("listen = \"0.0.0.0:7710\""), "loopback"},
      {config("listen = \"192.0.2.1:7710\""), "loopback"},
      {config("state_dir = \"relative\""), "state_dir"},
      {config("log_level = \"loud\""), "log_level"},
      {config("copy_threads = 0"), "copy_threads"},
      {config("colour = 1"), "colour"},
      {config("", "driver = \"zfs\""), "store.driver"},
      {config("", "volume_group = \"-vg\""), "store.volume_group"},
      {config("", "volume_group = \"a/b\""), "store.volume_group"},
      {config("", "devices = [\"sdb\"]"), "store.devices"},
      {config("", "wipe_rate = \"1K\""), "store.wipe_rate"},
      {config("", "snapshot_percent = 0"), "store.snapshot_percent"},
      {config("", "data_warn = 90"), "store.data_refuse"},
      {config("", "metadata_refuse = 91"), "store.metadata_refuse"},
      {config("", "folder = \"/srv/a,b\""), "store.folder"},
      {config("", "folder = \"/srv/vbs/\""), "store.folder"},
      {config("", "reserve_percent = 91"), "store.reserve_percent"},
      {config("", "reflink = \"always\""), "store.reflink"},
      {config("", "copy_rate = \"1K\""), "store.copy_rate"},
      {config("", "", "driver = \"scst\""), "target.driver"},
      {config("", "", "portal = \"3260\""), "target.portal"},
      {config("", "", "portal = \"localhost:3260\""), "target.portal"},
      {config("", "", "portal = \"0.0.0.0:3260\""), "wildcard"},
      {config("", "", "portal = \"127.0.0.1:32768\""), "below 32768"},
      {config("", "", "portal = \"::1:3260\""), "target.portal"},
      {config("", "", "threads = 65"), "target.threads"},
      {config("", "", "configfs = \"config\""), "target.configfs"},
      {config("", "", "iet_config = \"/etc/iet/\""), "target.iet_config"},
      {config("", "", "iqn_prefix = \"vbs\""), "target.iqn_prefix"},
      {config("", "", "iqn_prefix = \"eui.0123456789abcdef\""), "target.iqn_prefix"},
  };
  for (const auto& bad : cases) {
    EXPECT_TRUE(failed_with(parse_settings(bad.text, "test"), ErrorCode::invalid_request, bad.word))
        << bad.text;
  }
}

// The example shows every key, and the values it comments out are the defaults.
TEST(Settings, TheExampleIsTrue) {
  const auto text = read_file(std::string(VBS_SOURCE_DIR) + "/deploy/config/vbs-volumed.toml");
  ASSERT_EQ("", trouble(text));
  const auto as_it_is = parse_settings(*text, "example");
  ASSERT_EQ("", trouble(as_it_is));
  const auto all = parse_settings(
      std::regex_replace(*text, std::regex("(^|\n)# ([a-z_]+ = )"), "$1$2"), "uncommented");
  ASSERT_EQ("", trouble(all));
  EXPECT_EQ(as_it_is->link.port, all->link.port);
  EXPECT_EQ(as_it_is->copy_threads, all->copy_threads);
  EXPECT_EQ(file_store(as_it_is).reserve_percent, file_store(all).reserve_percent);
  EXPECT_EQ(file_store(as_it_is).reflink, file_store(all).reflink);
  EXPECT_EQ(file_store(as_it_is).copy_bytes_per_second, file_store(all).copy_bytes_per_second);
  EXPECT_EQ(as_it_is->target.tgt.control_port, all->target.tgt.control_port);
  EXPECT_EQ(as_it_is->target.tgt.threads, all->target.tgt.threads);
  EXPECT_EQ(as_it_is->target.iqn_prefix, all->target.iqn_prefix);
  for (const char* key :
       {"name", "listen", "token_file", "state_dir", "log_file", "log_level", "copy_threads",
        "driver", "folder", "reserve_percent", "reflink", "copy_rate", "portal", "control_port",
        "threads", "iqn_prefix", "configfs", "iet_config"}) {
    EXPECT_NE(std::string::npos, text->find(std::string(key) + " = ")) << key;
  }
}

TEST(PortalTest, ReadsBothFamilies) {
  for (const char* text :
       {"127.0.0.1:3260", "192.0.2.10:1", "[::1]:32767", "[2001:db8::10]:3260"}) {
    const auto portal = Portal::parse(text);
    ASSERT_EQ("", trouble(portal)) << text;
    EXPECT_EQ(text, portal->str());
  }
  for (const char* text : {"", ":3260", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:3260x",
                           "[127.0.0.1]:3260", "[::]:3260", "256.0.0.1:3260", "127.0.0.1:65536"}) {
    EXPECT_TRUE(failed_with(Portal::parse(text), ErrorCode::invalid_field)) << text;
  }
  const std::string with_nul("127.0.0.1\0x:3260", 16);
  EXPECT_TRUE(failed_with(Portal::parse(with_nul), ErrorCode::invalid_field));
}

}  // namespace
}  // namespace vbs::volume_delegate
