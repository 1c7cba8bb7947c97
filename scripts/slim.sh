#!/bin/sh
# Takes out of an environment what a bot that only answers never loads: `slim.sh .venv`, in a project with a model. For the image: training no
# longer works afterwards. It ends with a conversation, so that an image that cannot answer is never built. What it saves: `make image-size`.
# `slim.sh --list` names the packages that go.
set -eu

# Channels and stores that Rasa can have and this bot does not, and what draws, trains and downloads.
gone="aiogram babel boto3 botocore s3transfer confluent-kafka fbmessenger mattermostwrapper pymongo rocketchat-api slack-sdk twilio webexteamssdk
    matplotlib contourpy cycler fonttools kiwisolver pillow
    scikit-learn joblib threadpoolctl skops huggingface-hub hf-xet networkx python-crfsuite"

venv=${1:?which environment}
if [ "$venv" = --list ]; then
    printf '%s\n' $gone
    exit
fi
packages=$(echo "$venv"/lib/python3*/site-packages)

# shellcheck disable=SC2086 (a list of names)
"${UV:-uv}" pip uninstall --quiet --python "$venv/bin/python" $gone

cd "$packages"
# Of scipy only sparse rows are used; the rest brings a linear algebra of 34 MB that numpy has too. Of phonenumbers, places and companies.
for part in cluster datasets fft fftpack integrate interpolate io linalg misc ndimage odr optimize signal spatial special stats; do
    rm -rf "scipy/$part"
done
rm -rf scipy.libs phonenumbers/geodata phonenumbers/carrierdata phonenumbers/tzdata
find . -type d \( -name tests -o -name test \) -prune -exec rm -rf {} +
# What compilers read.
find . -type f \( -name '*.pyx' -o -name '*.pxd' -o -name '*.c' -o -name '*.cpp' -o -name '*.h' -o -name '*.hpp' -o -name '*.pyi' \) -delete
# Names of functions in machine code, for debuggers. Not in *.libs: those files were moved about by the makers of the wheels.
find . -type f -name '*.so' -not -path './*.libs/*' -exec strip --strip-unneeded {} +
cd - >/dev/null
# Programs that nobody starts here, and bytecode of what was needed to train.
find "$venv/bin" -type f -not -name wegwijzer -exec rm -f {} +
find "$venv" -type d -name __pycache__ -prune -exec rm -rf {} +
# Bytecode of what answers, of the console and of the other commands: the start is faster, and what is not loaded has none.
PYTHONDONTWRITEBYTECODE='' "$venv/bin/python" -W ignore -c '
from bot.runtime import quiet, serving_only

quiet.apply()
serving_only.install()
import bot.console.app, bot.console.cli, bot.console.serve, bot.runtime.doctor, bot.runtime.server, bot.transcripts.cli  # noqa: E401'
echo hallo | PYTHONDONTWRITEBYTECODE='' "$venv/bin/wegwijzer" talk >/dev/null
