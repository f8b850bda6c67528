from .executor import SHARE_OF_THREADS as SHARE_OF_THREADS
from .executor import Executor as Executor
from .executor import Job as Job
from .executor import JobState as JobState
