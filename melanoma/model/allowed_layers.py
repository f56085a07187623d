"""The allow-list of what a network file may name: classes and functions of Keras 3 that only compute.

With the operations on arrays, each `preprocess_input` of Keras passes: it swaps channels and subtracts the mean.
"""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


CLASSES = {
    "keras": _words("Sequential DTypePolicy"),
    "keras.src.models.functional": _words("Functional"),
    "keras.src.ops.numpy": _words("Add Subtract Multiply TrueDivide GetItem Stack"),  # how Keras writes x[0] + 3.0
    "keras.src.applications.convnext": _words("LayerScale"),
    "keras.layers": _words("""
        InputLayer Identity Rescaling Normalization Resizing CenterCrop ZeroPadding2D Cropping2D Flatten
        Reshape Conv2D DepthwiseConv2D SeparableConv2D Dense MultiHeadAttention BatchNormalization LayerNormalization
        GroupNormalization Activation ReLU LeakyReLU PReLU ELU Softmax MaxPooling2D AveragePooling2D
        GlobalMaxPooling2D GlobalAveragePooling2D Add Subtract Multiply Average Maximum Concatenate Dot""")
    # These do nothing outside of training. Others of their kind change a state even then, so they cannot be frozen.
    | _words("""
        AlphaDropout Dropout GaussianDropout GaussianNoise SpatialDropout2D RandomBrightness RandomColorJitter
        RandomContrast RandomElasticTransform RandomErasing RandomFlip RandomGaussianBlur RandomInvert
        RandomPerspective RandomRotation RandomTranslation RandomZoom"""),
    "keras.initializers": _words("""
        Zeros Ones Constant GlorotUniform GlorotNormal HeUniform HeNormal LecunUniform LecunNormal
        VarianceScaling RandomUniform RandomNormal TruncatedNormal Orthogonal"""),
    "keras.regularizers": _words("L1 L2 L1L2"),
    "keras.constraints": _words("MaxNorm MinMaxNorm NonNeg UnitNorm"),
}
# What Keras looks up by a bare name. It always writes initializers, regularizers and constraints as objects.
NAMES = {
    "activation": _words("""
        elu exponential gelu hard_sigmoid hard_silu hard_swish leaky_relu linear log_softmax mish relu relu6
        selu sigmoid silu softmax softplus softsign swish tanh"""),
    "dtype": _words("float16 float32 float64 mixed_float16 uint8 int32 int64 bool"),
    **dict.fromkeys(("initializer", "regularizer", "constraint"), frozenset[str]()),
}
