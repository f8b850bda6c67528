from .data import as_dataset as as_dataset
from .libraries import parts_of as parts_of
from .modules import import_object as import_object
from .modules import load_weights as load_weights
from .parts import Parts as Parts
from .user_model import Wrapped as Wrapped
from .user_parts import UserDecoder as UserDecoder
from .user_parts import UserEncoder as UserEncoder
