#include "db/sealed_secrets.h"

#include <sys/stat.h>

#include "common/file.h"
#include "db/migrations.h"
#include "tests/unit/db/process_support.h"

namespace vbs::db::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const std::string kSecret = "CanaryCanaryCanary012345";
const std::string kGone = "CanaryThatWasDetached678";

class SealedSecretsTest : public DatabaseTest {
 protected:
  void SetUp() override {}

  std::string key_file() const { return path() + ".key"; }
  static std::string text_of(const std::string& path) { return *read_file(path, 1 << 30); }
  /// Of the database and its log.
  std::string bytes() const {
    const std::string log = path() + "-wal";
    return text_of(path()) + (std::filesystem::exists(log) ? text_of(log) : "");
  }
  static bool has(const std::string& bytes, const std::string& text) {
    return bytes.find(text) != std::string::npos;
  }

  /// As the program before this schema left it: attachment 11 has its secret in clear, and free
  /// pages that of one that is gone, more than later versions of the schema use up.
  void make_old_database() {
    Connection writer(path(), Connection::Mode::writer);
    ASSERT_TRUE(migrate(writer, known_migrations().first(3), kNow));
    Volume volume = test_volume(1);
    ASSERT_TRUE(VolumeTable(writer).insert(volume, {}));
    writer.execute("PRAGMA secure_delete = OFF");  // Debian's SQLite has it on
    writer
        .prepare(
            "INSERT INTO attachments (uid, volume_uid, volume_seq, project, volume_server,"
            " vmm_node, vm, device, read_only, state, initiator, chap_user, chap_secret,"
            " created_at, updated_at) VALUES (?, ?, 1, 'p1', 'vs1', 'hv1', 'vm1', '/dev/sdb', 0,"
            " 'attached', 'iqn', 'user', ?, 0, 0)")
        .bind(test_id(11))
        .bind(test_id(1))
        .bind(kSecret)
        .run();
    writer.execute(
        "CREATE TABLE gone AS WITH many (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many"
        " WHERE n < 1000) SELECT '" +
        kGone + "' AS secret FROM many; DROP TABLE gone");
  }

  /// A database with one sealed secret, of attachment 11.
  void make_database() {
    reopen();
    Volume volume = test_volume(1);
    add(volume);
    Attachment attachment = test_attachment(11, test_id(1), "/dev/sdb");
    SystemRandom random;
    attachment.sealed_secret = database().box().seal(Secret(kSecret), attachment.id.str(), random);
    add(attachment);
  }
  std::string sealed() {
    return read([](Connection& c) { return AttachmentTable(c).find(test_id(11)); })->sealed_secret;
  }
  std::string opened() {
    return read([&](Connection& c) {
             return AttachmentTable::open_secret(*AttachmentTable(c).find(test_id(11)),
                                                 database().box());
           })
        .reveal();
  }
  std::string refusal() {
    database_.reset();
    auto tried = Database::open(options_for(path()));
    return tried ? "it was opened" : tried.error().message;
  }
  void write_key_file(const std::string& text) {
    ASSERT_TRUE(write_file_durably(key_file(), text, 0600));
  }
  static std::string new_key() {
    SystemRandom random;
    return SecretBox::new_key_text(random).reveal();
  }
};

TEST_F(SealedSecretsTest, ANewDatabaseGetsAKeyOfItsOwner) {
  make_database();
  struct stat status {};
  ASSERT_EQ(stat(key_file().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);
  EXPECT_EQ(opened(), kSecret);
  EXPECT_FALSE(has(bytes(), kSecret));
  const std::string before = sealed();
  reopen();
  EXPECT_EQ(opened(), kSecret);
  EXPECT_EQ(sealed(), before);
}

TEST_F(SealedSecretsTest, TheKeyMayStandElsewhere) {
  DatabaseOptions options = options_for(path());
  options.key_file = directory_.file("elsewhere");
  ASSERT_TRUE(Database::open(options));
  EXPECT_TRUE(std::filesystem::exists(options.key_file));
  EXPECT_FALSE(std::filesystem::exists(key_file()));
}

TEST_F(SealedSecretsTest, WithoutTheKeyNothingBegins) {
  make_database();
  database_.reset();
  const std::string key = text_of(key_file());
  std::filesystem::remove(key_file());
  EXPECT_THAT(refusal(), HasSubstr(key_file()));
  EXPECT_THAT(refusal(), HasSubstr("put the right file back"));
  EXPECT_FALSE(std::filesystem::exists(key_file()));

  write_key_file(new_key());
  EXPECT_THAT(refusal(), HasSubstr("another key"));
  EXPECT_THAT(refusal(), HasSubstr(test_id(11).str()));
  EXPECT_THAT(refusal(), HasSubstr(key_file()));

  write_key_file("nonsense\n");
  EXPECT_THAT(refusal(), HasSubstr("64 hexadecimal digits"));
  write_key_file(key);
  ASSERT_EQ(chmod(key_file().c_str(), 0640), 0);
  EXPECT_THAT(refusal(), HasSubstr("chmod 600"));
  ASSERT_EQ(chmod(key_file().c_str(), 0600), 0);
  reopen();
  EXPECT_EQ(opened(), kSecret);
}

TEST_F(SealedSecretsTest, WithoutSealedSecretsAnyKeyDoes) {
  make_database();
  must([](Transaction& tx) { return attachment_closed(tx, test_id(11), "detached", kNow); });
  database_.reset();
  std::filesystem::remove(key_file());
  reopen();
  EXPECT_TRUE(std::filesystem::exists(key_file()));
}

TEST_F(SealedSecretsTest, ASecretOfAnotherRowDoesNotOpen) {
  make_database();
  database_.reset();
  {
    Connection writer(path(), Connection::Mode::writer);
    writer.execute("UPDATE attachments SET uid = replace(uid, '00b', '00c')");
  }
  EXPECT_THAT(refusal(), HasSubstr(test_id(12).str()));
}

TEST_F(SealedSecretsTest, ASecretThatWasGivenUpIsNone) {
  make_database();
  database_.reset();
  std::filesystem::remove(key_file());
  {
    Connection writer(path(), Connection::Mode::writer);
    writer.execute("UPDATE attachments SET sealed_secret = ''");
  }
  reopen();
  EXPECT_EQ(opened(), "");
  EXPECT_THAT(violated(), Not(::testing::Contains("secret-in-clear")));
}

TEST_F(SealedSecretsTest, AnOldDatabaseIsSealedAndForgets) {
  make_old_database();
  EXPECT_TRUE(has(bytes(), kSecret));
  EXPECT_TRUE(has(bytes(), kGone));
  reopen();
  EXPECT_EQ(opened(), kSecret);
  for (const std::string& secret : {kSecret, kGone}) EXPECT_FALSE(has(bytes(), secret)) << secret;
  const std::string before = sealed();
  reopen();
  EXPECT_EQ(sealed(), before);
  EXPECT_EQ(opened(), kSecret);
}

TEST_F(SealedSecretsTest, AnInterruptedConversionIsTakenUp) {
  make_old_database();
  {
    // Sealed, but a kill came before the file was written anew.
    Connection writer(path(), Connection::Mode::writer);
    ASSERT_TRUE(migrate(writer, known_migrations(), kNow));
    write_key_file(new_key());
    const auto box = SecretBox::from_text(text_of(key_file()));
    SystemRandom random;
    writer.prepare("UPDATE attachments SET sealed_secret = ? WHERE uid = ?")
        .bind(box->seal(Secret(kSecret), test_id(11).str(), random))
        .bind(test_id(11))
        .run();
  }
  EXPECT_TRUE(has(bytes(), kGone));
  reopen();
  EXPECT_EQ(opened(), kSecret);
  for (const std::string& secret : {kSecret, kGone}) EXPECT_FALSE(has(bytes(), secret)) << secret;
}

TEST_F(SealedSecretsTest, ClearTextThatComesLaterIsRefused) {
  make_database();
  database_.reset();
  {
    Connection writer(path(), Connection::Mode::writer);
    writer.prepare("UPDATE attachments SET sealed_secret = ?").bind(kSecret).run();
  }
  EXPECT_THAT(refusal(), HasSubstr(test_id(11).str()));
}

TEST_F(SealedSecretsTest, ANewFirstKeyTakesOver) {
  make_database();
  const std::string old_text = sealed();
  database_.reset();
  const std::string old_key = text_of(key_file());
  const std::string key = new_key();
  write_key_file(key + old_key);
  reopen();
  EXPECT_EQ(opened(), kSecret);
  EXPECT_FALSE(has(bytes(), old_text));
  database_.reset();
  write_key_file(key);
  reopen();
  EXPECT_EQ(opened(), kSecret);
}

TEST_F(SealedSecretsTest, ABackupHoldsNoSecretInClearAndWantsTheKey) {
  make_database();
  const std::string copy = directory_.file("copy.db");
  ASSERT_TRUE(Database::backup(path(), copy));
  EXPECT_FALSE(has(text_of(copy), kSecret));
  database_.reset();
  auto refused = Database::open(options_for(copy));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr(copy + ".key"));
  std::filesystem::copy(key_file(), copy + ".key");
  EXPECT_TRUE(Database::open(options_for(copy)));
}

}  // namespace
}  // namespace vbs::db::testing
