/**
 * curl's flags, all of them: only so is it known which words are values, and which are addresses.
 */
import { Unreadable } from './unreadable.js'

/** Flags that say something of where a request goes, by each of their names. */
const told = new Map(
  Object.entries({
    '-X': 'method',
    '--request': 'method',
    '-H': 'header',
    '--header': 'header',
    '-d': 'data',
    '--data': 'data',
    '--data-ascii': 'data',
    '--data-raw': 'raw',
    '--data-binary': 'binary',
    '--data-urlencode': 'encoded',
    '--json': 'json',
    '-F': 'form',
    '--form': 'form',
    '--form-string': 'formString',
    '-T': 'upload',
    '--upload-file': 'upload',
    '-b': 'cookie',
    '--cookie': 'cookie',
    '-u': 'user',
    '--user': 'user',
    '--oauth2-bearer': 'bearer',
    '-A': 'agent',
    '--user-agent': 'agent',
    '-e': 'referer',
    '--referer': 'referer',
    '--url': 'url',
    '--url-query': 'query',
    '--request-target': 'target'
  })
)

/** The same of those without a value. */
const toldAlone = new Map(
  Object.entries({
    '-G': 'get',
    '--get': 'get',
    '-I': 'head',
    '--head': 'head',
    '-:': 'next',
    '--next': 'next',
    '--digest': 'challenged',
    '--ntlm': 'challenged',
    '--negotiate': 'challenged',
    '--anyauth': 'challenged'
  })
)

/** These take a part of the request from where nobody looks here. */
const unread = new Set('-K --config -n --netrc --netrc-optional --netrc-file --variable --aws-sigv4'.split(' '))

/** These change nothing of where it goes. */
const silent = new Set(
  (
    '--basic -s --silent -S --show-error -i --include -v --verbose -k --insecure -L --location --location-trusted --follow -f --fail ' +
    '--fail-early --fail-with-body -N --no-buffer --buffer -# --progress-bar --progress-meter -g --globoff -q --disable -a ' +
    '--append -B --use-ascii -j --junk-session-cookies -J --remote-header-name -l --list-only -O --remote-name ' +
    '--remote-name-all -p --proxytunnel -R --remote-time -Z --parallel --parallel-immediate -0 --http0.9 --http1.0 --http1.1 ' +
    '--http2 --http2-prior-knowledge --http3 --http3-only -1 --tlsv1 --tlsv1.0 --tlsv1.1 --tlsv1.2 --tlsv1.3 -2 --sslv2 -3 ' +
    '--sslv3 -4 --ipv4 -6 --ipv6 --alpn --npn --ca-native --cert-status --clobber --compressed --compressed-ssh --create-dirs ' +
    '--crlf --disable-eprt --disable-epsv --disallow-username-in-url --doh-cert-status --doh-insecure --dump-ca-embed ' +
    '--false-start --form-escape --ftp-create-dirs --ftp-pasv --ftp-pret --ftp-skip-pasv-ip --ftp-ssl-ccc --ftp-ssl-control ' +
    '--haproxy-protocol --ignore-content-length --keepalive --mail-rcpt-allowfails --metalink --mptcp --out-null ' +
    '--path-as-is --post301 --post302 --post303 --proxy-anyauth --proxy-basic --proxy-ca-native --proxy-digest --proxy-http2 ' +
    '--proxy-insecure --proxy-negotiate --proxy-ntlm --proxy-ssl-allow-beast --proxy-ssl-auto-client-cert --proxy-tlsv1 --raw ' +
    '--remove-on-error --retry-all-errors --retry-connrefused --sasl-ir --sessionid --skip-existing --socks5-basic ' +
    '--socks5-gssapi --socks5-gssapi-nec --ssl --ssl-allow-beast --ssl-auto-client-cert --ssl-no-revoke --ssl-reqd ' +
    '--ssl-revoke-best-effort --styled-output --suppress-connect-headers --tcp-fastopen --tcp-nodelay --tftp-no-options ' +
    '--tls-earlydata --tr-encoding --trace-ids --trace-time --xattr'
  ).split(' ')
)

/** Nor do these, which have a value. */
const silentWithValue = new Set(
  (
    '-o --output -w --write-out -m --max-time -c --cookie-jar -x --proxy --preproxy -U --proxy-user -C --continue-at -D ' +
    '--dump-header -E --cert -P --ftp-port -Q --quote -r --range -t --telnet-option -y --speed-time -Y --speed-limit -z ' +
    '--time-cond --abstract-unix-socket --alt-svc --cacert --capath --cert-type --ciphers --connect-timeout --connect-to ' +
    '--create-file-mode --crlfile --curves --delegation --dns-interface --dns-ipv4-addr --dns-ipv6-addr --dns-servers ' +
    '--doh-url --ech --egd-file --engine --etag-compare --etag-save --expect100-timeout --ftp-account ' +
    '--ftp-alternative-to-user --ftp-method --ftp-ssl-ccc-mode --happy-eyeballs-timeout-ms --haproxy-clientip --hostpubmd5 ' +
    '--hostpubsha256 --hsts --interface --ip-tos --ipfs-gateway --keepalive-cnt --keepalive-time --key --key-type ' +
    '--knownhosts --krb --libcurl --limit-rate --local-port --login-options --mail-auth --mail-from --mail-rcpt ' +
    '--max-filesize --max-redirs --noproxy --output-dir --parallel-max --parallel-max-host --pass --pinnedpubkey --proto ' +
    '--proto-default --proto-redir --proxy-cacert --proxy-capath --proxy-cert --proxy-cert-type --proxy-ciphers ' +
    '--proxy-crlfile --proxy-header --proxy-key --proxy-key-type --proxy-pass --proxy-pinnedpubkey --proxy-service-name ' +
    '--proxy-tls13-ciphers --proxy-tlsauthtype --proxy-tlspassword --proxy-tlsuser --proxy1.0 --pubkey --random-file --rate ' +
    '--resolve --retry --retry-delay --retry-max-time --sasl-authzid --service-name --sigalgs --socks4 --socks4a --socks5 ' +
    '--socks5-gssapi-service --socks5-hostname --ssl-sessions --stderr --tftp-blksize --tls-max --tls13-ciphers ' +
    '--tlsauthtype --tlspassword --tlsuser --trace --trace-ascii --trace-config --unix-socket --upload-flags --vlan-priority'
  ).split(' ')
)

/** `--no-x` takes a flag without a value back. */
const isTakenBack = (name) => name.startsWith('--no-') && silent.has(`--${name.slice('--no-'.length)}`)

/** What a flag is for: '' for nothing that matters here; and whether a value belongs to it. */
function meaningOf(name, at) {
  if (told.has(name)) return { what: told.get(name), takesValue: true }
  if (toldAlone.has(name)) return { what: toldAlone.get(name), takesValue: false }
  if (silentWithValue.has(name)) return { what: '', takesValue: true }
  if (silent.has(name) || isTakenBack(name)) return { what: '', takesValue: false }
  if (unread.has(name)) {
    throw new Unreadable(
      `${name} takes a part of the request from elsewhere, which is not read here: put into the line what it stands for.`
    )
  }
  // It could be a part of a body that was not quoted: so it is not repeated.
  throw new Unreadable(
    `Word ${at} behind curl begins with a dash, and is no flag that is known here: put it right, or quote it.`
  )
}

/**
 * `-sid x` is `-s -i -d x`, `-dx` is `-d x`, and `--data=x` is nothing of curl's.
 * @param {readonly string[]} args
 */
export function* flagsIn(args) {
  let at = 0
  const takeValue = (name, attached) => {
    if (attached !== '') return attached
    at += 1
    if (at >= args.length) throw new Unreadable(`${name} needs a value behind it.`)
    return args[at]
  }
  let areAllAddresses = false
  for (; at < args.length; at += 1) {
    const word = args[at]
    if (areAllAddresses || !word.startsWith('-')) yield { what: 'url', name: 'the address', value: word }
    else if (word === '--') areAllAddresses = true
    else if (word.startsWith('--')) {
      const { what, takesValue } = meaningOf(word, at + 1)
      yield { what, name: word, value: takesValue ? takeValue(word, '') : '' }
    } else yield* lettersIn(word, at + 1, takeValue)
  }
}

function* lettersIn(word, at, takeValue) {
  for (let letter = 1; letter === 1 || letter < word.length; letter += 1) {
    const name = `-${word.slice(letter, letter + 1)}`
    const { what, takesValue } = meaningOf(name, at)
    yield { what, name, value: takesValue ? takeValue(name, word.slice(letter + 1)) : '' }
    if (takesValue) return
  }
}
